//! The query parameters of endpoint 12 (CONTRACT section 1.8).

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::request::Parts;
use moc_uploads_core::analytics::EventType;
use moc_uploads_core::analytics_report::{AnalyticsFilter, AnalyticsQuery};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;

use super::query::{offset_of, query_pairs, whole_number};
use crate::problem::Problem;
use crate::state::AppState;
use crate::validate::{FieldErrors, Length};

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// Which events, and which page of them.
#[derive(Debug)]
pub(crate) struct AnalyticsParams(pub(crate) AnalyticsQuery);

impl FromRequestParts<AppState> for AnalyticsParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        parse(query_pairs(parts)).map(Self)
    }
}

fn parse<'a>(
    pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
) -> Result<AnalyticsQuery, Problem> {
    let mut errors = FieldErrors::default();
    let mut event_types = Vec::new();
    let (mut from, mut to, mut user_id) = (None, None, None);
    let (mut limit, mut offset) = (None, None);
    for (name, value) in pairs {
        let errors = &mut errors;
        let is_repeated = match &*name {
            "from" => from.replace(instant_of("/from", &value, errors)).is_some(),
            "to" => to.replace(instant_of("/to", &value, errors)).is_some(),
            "userId" => user_id.replace(user_of(&value, errors)).is_some(),
            "limit" => limit.replace(limit_of(&value, errors)).is_some(),
            "offset" => offset.replace(offset_of(&value, errors)).is_some(),
            "eventType" => {
                event_types.extend(event_type_of(&value, errors));
                false
            }
            _ => {
                errors.push(
                    format!("/{name}"),
                    "There is no such parameter; there are from, to, eventType, userId, limit and \
                     offset.",
                );
                false
            }
        };
        if is_repeated {
            let message = "The parameter is there twice; send it once.";
            errors.push(format!("/{name}"), message);
        }
    }
    let (from, to) = (from.flatten(), to.flatten());
    if let (Some(from), Some(to)) = (from, to)
        && from >= to
    {
        let message = format!("{from} is not before to, {to}; from is inclusive, to exclusive.");
        errors.push("/from", message);
    }
    event_types.sort_unstable_by_key(|event_type: &EventType| event_type.as_str());
    event_types.dedup();
    errors.into_result(AnalyticsQuery {
        filter: AnalyticsFilter {
            from,
            to,
            user_id,
            event_types,
        },
        limit: limit.unwrap_or(DEFAULT_LIMIT),
        offset: offset.unwrap_or(0),
    })
}

fn instant_of(pointer: &str, value: &str, errors: &mut FieldErrors) -> Option<Timestamp> {
    let instant = Timestamp::from_date_or_time(value);
    if instant.is_none() {
        let message = format!(
            "{value:?} is not right; a date like 2026-01-25 or a time like 2026-01-25T12:00:00Z \
             would be (a + in it is written %2B)."
        );
        errors.push(pointer, message);
    }
    instant
}

fn user_of(value: &str, errors: &mut FieldErrors) -> UserId {
    errors.text("/userId", value, Length(1, 1024), false);
    UserId::new(value)
}

fn limit_of(value: &str, errors: &mut FieldErrors) -> u32 {
    match whole_number(value) {
        Some(limit) if limit <= u64::from(MAX_LIMIT) => limit as u32,
        _ => {
            let message =
                format!("{value:?} is not right; a whole number from 0 to {MAX_LIMIT} would be.");
            errors.push("/limit", message);
            DEFAULT_LIMIT
        }
    }
}

fn event_type_of(value: &str, errors: &mut FieldErrors) -> Option<EventType> {
    let types = EventType::ALL;
    let found = types.into_iter().find(|known| known.as_str() == value);
    if found.is_none() {
        let names = types.map(EventType::as_str).join(", ");
        let message = format!("{value:?} is not right; one of {names} would be.");
        errors.push("/eventType", message);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(query: &str) -> Vec<String> {
        let problem = parse(url::form_urlencoded::parse(query.as_bytes())).unwrap_err();
        let errors = problem.into_parts().2.errors.unwrap();
        errors.into_iter().map(|error| error.pointer).collect()
    }

    fn good(query: &str) -> AnalyticsQuery {
        parse(url::form_urlencoded::parse(query.as_bytes())).unwrap()
    }

    #[test]
    fn nothing_asks_for_the_newest_of_everything() {
        let query = good("");
        assert_eq!((query.limit, query.offset), (50, 0));
        assert_eq!(query.filter, AnalyticsFilter::default());
    }

    #[test]
    fn a_date_is_its_first_instant() {
        let filter = good("from=2026-01-25&to=2026-01-26T00:30:00%2B01:00").filter;
        assert_eq!(filter.from.unwrap().to_string(), "2026-01-25T00:00:00.000Z");
        assert_eq!(filter.to.unwrap().to_string(), "2026-01-25T23:30:00.000Z");
    }

    #[test]
    fn types_are_repeated_and_limits_bounded() {
        let query = good("eventType=session_failed&eventType=file_completed&limit=0&offset=7");
        let types = [EventType::FileCompleted, EventType::SessionFailed];
        assert_eq!(query.filter.event_types, types);
        assert_eq!((query.limit, query.offset), (0, 7));
        assert_eq!(good("limit=500&userId=auth0|a b").limit, 500);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, pointer) in [
            ("from=yesterday", "/from"),
            ("from=2026-02-30", "/from"),
            ("from=2026-01-25T12:00:00", "/from"),
            ("from=2026-01-25T12:00:00+01:00", "/from"),
            ("from=2026-01-25&to=2026-01-25", "/from"),
            ("from=2026-01-25&to=2026-01-24T23:59:59.999Z", "/from"),
            ("from=9999-12-31T23:59:59-01:00", "/from"),
            ("from=-4800-01-01", "/from"),
            ("to=", "/to"),
            ("to=2026-01-25&to=2026-01-26", "/to"),
            ("eventType=session_creted", "/eventType"),
            ("userId=", "/userId"),
            ("userId=a%00b", "/userId"),
            ("userId=a&userId=b", "/userId"),
            ("limit=501", "/limit"),
            ("limit=-1", "/limit"),
            ("offset=1.5", "/offset"),
            ("offset=9223372036854775808", "/offset"),
            ("eventtype=session_failed", "/eventtype"),
        ] {
            assert_eq!(pointers(query), [pointer], "{query}");
        }
        let all = pointers("from=x&to=x&eventType=x&limit=x&offset=x&x=x");
        assert_eq!(all.len(), 6);
    }
}
