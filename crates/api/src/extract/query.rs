//! Query parameters. Unknown ones and bad values are 422, all at once.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::request::Parts;
use moc_uploads_core::session::SessionStatus;

use crate::problem::Problem;
use crate::state::AppState;
use crate::validate::FieldErrors;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

/// The parameters in order, decoded.
pub(crate) fn query_pairs(parts: &Parts) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
}

/// Of endpoint 2: `limit`, `offset`, `status`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ListQuery {
    pub(crate) limit: u32,
    pub(crate) offset: u64,
    pub(crate) status: Option<SessionStatus>,
}

impl FromRequestParts<AppState> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, Problem> {
        Self::parse(query_pairs(parts))
    }
}

impl ListQuery {
    fn parse<'a>(
        pairs: impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)>,
    ) -> Result<Self, Problem> {
        let mut errors = FieldErrors::default();
        let (mut limit, mut offset, mut status) = (None, None, None);
        for (name, value) in pairs {
            let is_repeated = match &*name {
                "limit" => limit.replace(limit_of(&value, &mut errors)).is_some(),
                "offset" => offset.replace(offset_of(&value, &mut errors)).is_some(),
                "status" => status.replace(status_of(&value, &mut errors)).is_some(),
                _ => {
                    errors.push(
                        format!("/{name}"),
                        "There is no such parameter; there are limit, offset and status.",
                    );
                    false
                }
            };
            if is_repeated {
                errors.push(
                    format!("/{name}"),
                    "The parameter is there twice; send it once.",
                );
            }
        }
        errors.into_result(Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            offset: offset.unwrap_or(0),
            status: status.flatten(),
        })
    }
}

fn limit_of(value: &str, errors: &mut FieldErrors) -> u32 {
    match whole_number(value) {
        Some(limit @ 1..) if limit <= u64::from(MAX_LIMIT) => limit as u32,
        _ => {
            errors.push(
                "/limit",
                format!("{value:?} is not right; a whole number from 1 to {MAX_LIMIT} would be."),
            );
            DEFAULT_LIMIT
        }
    }
}

pub(super) fn offset_of(value: &str, errors: &mut FieldErrors) -> u64 {
    whole_number(value)
        .filter(|&offset| i64::try_from(offset).is_ok())
        .unwrap_or_else(|| {
            errors.push(
                "/offset",
                format!("{value:?} is not right; a whole number from 0 would be."),
            );
            0
        })
}

fn status_of(value: &str, errors: &mut FieldErrors) -> Option<SessionStatus> {
    let status = value.parse().ok();
    if status.is_none() {
        errors.push(
            "/status",
            format!("{value:?} is not right; active, completed, expired or cancelled would be."),
        );
    }
    status
}

/// Digits only: no sign, no blanks.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<ListQuery, usize> {
        ListQuery::parse(url::form_urlencoded::parse(query.as_bytes()))
            .map_err(|problem| problem.into_parts().2.errors.unwrap().len())
    }

    #[test]
    fn defaults_and_bounds() {
        let query = parse("").unwrap();
        assert_eq!((query.limit, query.offset, query.status), (20, 0, None));
        let query = parse("limit=100&offset=7&status=expired").unwrap();
        assert_eq!((query.limit, query.offset), (100, 7));
        assert_eq!(query.status, Some(SessionStatus::Expired));
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        assert_eq!(parse("limit=0&offset=-1&status=open&sort=asc"), Err(4));
        for wrong in [
            "limit=101",
            "limit=",
            "limit=+1",
            "limit=1.5",
            "limit=99999999999999999999",
            "offset=18446744073709551615",
            "limit=1&limit=2",
        ] {
            assert_eq!(parse(wrong), Err(1), "{wrong}");
        }
    }
}
