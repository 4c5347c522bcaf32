//! What the events add up to, and a page of them (docs/decisions/0007).

use moc_uploads_core::analytics_report::{
    AnalyticsFilter, AnalyticsMetrics, AnalyticsQuery, AnalyticsReport, Failures, Percentiles,
    StoredEvent, UploadTime, metadata,
};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::decode;
use crate::error::Error;
use crate::sql::{Database, Lease};

/// Whoever writes events waits while hours are summed up.
const HOURS_AT_ONCE: i32 = 1;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// Everything as of one moment: the sums of hours that have them, the events of others.
pub(crate) async fn report(
    db: &Database,
    query: &AnalyticsQuery,
) -> Result<AnalyticsReport, Error> {
    let mut snapshot = db.begin_report().await?;
    let metrics = read_metrics(&mut snapshot, &query.filter).await?;
    let mut report = AnalyticsReport {
        metrics,
        events: Vec::new(),
    };
    if let Some(page) = Page::of(query, report.total()) {
        report.events = read_events(&mut snapshot, &query.filter, page).await?;
    }
    snapshot.commit().await?;
    Ok(report)
}

/// Sums up the newest hour that is over and not summed up; whether there was one. What others are
/// at, or can't be had for long, is left for later.
pub(crate) async fn sum_up(db: &Database) -> Result<bool, Error> {
    let mut lease = db.begin_long().await?;
    let statement =
        sqlx::query(include_str!("../queries/analytics_refresh.sql")).bind(HOURS_AT_ONCE);
    let rows = lease.all(statement).await?;
    lease.commit().await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(row.try_get::<i32, _>(0)? > 0)
}

async fn read_metrics(db: &mut Lease, filter: &AnalyticsFilter) -> Result<AnalyticsMetrics, Error> {
    let split = Split::of(filter.from, filter.to);
    let rest = split.rest.into_iter();
    let (since, before): (Vec<_>, Vec<_>) = rest
        .map(|(since, before)| (since.to_datetime(), before.map(Timestamp::to_datetime)))
        .unzip();
    let statement = sqlx::query(include_str!("../queries/analytics_counts.sql"))
        .bind(filter.from.map(Timestamp::to_datetime))
        .bind(filter.to.map(Timestamp::to_datetime))
        .bind(filter.user_id.as_ref().map(|id| id.as_str().to_owned()))
        .bind(split.first_hour.map(Timestamp::to_datetime))
        .bind(split.end_of_hours.map(Timestamp::to_datetime))
        .bind(since)
        .bind(before);
    let rows = db.all(statement).await?;
    let row = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let mut metrics = AnalyticsMetrics {
        failures: named_counts(row, 2)?
            .into_iter()
            .map(|(reason, count)| Failures { reason, count })
            .collect(),
        sessions_created: decode::unsigned(row, 4)?,
        sessions_finalized: decode::unsigned(row, 5)?,
        sessions_failed: decode::unsigned(row, 6)?,
        upload_time: UploadTime {
            count: decode::unsigned(row, 7)?,
            sum_ms: decode::unsigned(row, 8)?,
            percentiles_ms: percentiles(row, 10)?,
        },
        bytes_uploaded: decode::unsigned(row, 9)?,
        ..AnalyticsMetrics::default()
    };
    metrics.set_counts(named_counts(row, 0)?, &filter.event_types);
    Ok(metrics)
}

/// Names, and counts beside them.
fn named_counts(row: &PgRow, at: usize) -> Result<Vec<(String, u64)>, Error> {
    let names: Vec<String> = row.try_get(at)?;
    let counts: Vec<i64> = row.try_get(at + 1)?;
    let pairs = names.into_iter().zip(counts);
    pairs
        .map(|(name, count)| {
            let count = u64::try_from(count);
            Ok((
                name,
                count.map_err(|cause| decode::unreadable(at + 1, cause))?,
            ))
        })
        .collect()
}

fn percentiles(row: &PgRow, at: usize) -> Result<Option<Percentiles>, Error> {
    if !decode::is_present(row, at)? {
        return Ok(None);
    }
    Ok(Some(Percentiles {
        p50: decode::unsigned(row, at)?,
        p95: decode::unsigned(row, at + 1)?,
        p99: decode::unsigned(row, at + 2)?,
    }))
}

/// Where a page of events is.
struct Page {
    limit: i64,
    offset: i64,
    /// The offset counts from the oldest event, not from the newest: the nearer end.
    is_from_oldest: bool,
}

impl Page {
    /// `None` for an empty one.
    fn of(query: &AnalyticsQuery, total: u64) -> Option<Self> {
        let rest = total.saturating_sub(query.offset);
        let limit = rest.min(query.limit.into());
        // The events of a user are all sorted.
        let is_from_oldest = query.filter.user_id.is_none() && rest < query.offset;
        let offset = match is_from_oldest {
            true => rest - limit,
            false => query.offset,
        };
        (limit > 0).then_some(Self {
            limit: limit.try_into().ok()?,
            offset: offset.try_into().ok()?,
            is_from_oldest,
        })
    }
}

async fn read_events(
    db: &mut Lease,
    filter: &AnalyticsFilter,
    page: Page,
) -> Result<Vec<StoredEvent>, Error> {
    let types = filter.event_types.iter().map(|shown| shown.as_str());
    let types = (!filter.event_types.is_empty()).then(|| types.collect::<Vec<_>>());
    let statement = sqlx::query(include_str!("../queries/analytics_list.sql"))
        .bind(filter.from.map(Timestamp::to_datetime))
        .bind(filter.to.map(Timestamp::to_datetime))
        .bind(filter.user_id.as_ref().map(|id| id.as_str().to_owned()))
        .bind(types)
        .bind(page.limit)
        .bind(page.offset)
        .bind(page.is_from_oldest);
    let rows = db.all(statement).await?;
    let events = rows.iter().map(|row| {
        Ok(StoredEvent {
            event_id: row.try_get(0)?,
            session_id: SessionId(row.try_get(1)?),
            event_type: row.try_get(2)?,
            metadata: metadata(row.try_get(3)?),
            created_at: decode::timestamp(row, 4)?,
        })
    });
    events.collect()
}

/// A range as whole hours and what is left of it at both ends.
#[derive(Debug, PartialEq)]
struct Split {
    first_hour: Option<Timestamp>,
    end_of_hours: Option<Timestamp>,
    /// From the first instant on to the second, or to the end of its hour.
    rest: Vec<(Timestamp, Option<Timestamp>)>,
}

impl Split {
    fn of(from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        let is_within_hour = |at: &Timestamp| hour_of(*at) != *at;
        let head = from.filter(is_within_hour).map(|from| (from, to));
        let tail = to.filter(is_within_hour).map(|to| {
            let hour = hour_of(to);
            (from.map_or(hour, |from| hour.max(from)), Some(to))
        });
        let mut rest: Vec<_> = head.into_iter().chain(tail).collect();
        // Both ends are in one hour.
        rest.dedup();
        Self {
            first_hour: from.map(|from| match hour_of(from) {
                hour if hour == from => hour,
                hour => next_hour(hour),
            }),
            end_of_hours: to.map(hour_of),
            rest,
        }
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().div_euclid(HOUR_MS) * HOUR_MS)
}

/// The last instant that can be written has no hour after it.
fn next_hour(hour: Timestamp) -> Timestamp {
    const LAST: i64 = 253_402_300_799_999;
    Timestamp::from_unix_ms((hour.unix_ms() + HOUR_MS).min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-01-25T{text}Z").parse().unwrap()
    }

    fn split(from: &str, to: &str) -> (Timestamp, Timestamp, Vec<(Timestamp, Option<Timestamp>)>) {
        let split = Split::of(Some(at(from)), Some(at(to)));
        (
            split.first_hour.unwrap(),
            split.end_of_hours.unwrap(),
            split.rest,
        )
    }

    #[test]
    fn a_range_is_whole_hours_and_what_is_left() {
        let (one, two, three) = (at("01:00:00"), at("02:00:00"), at("03:00:00"));
        assert_eq!(split("01:00:00", "03:00:00"), (one, three, vec![]));
        let (from, to) = (at("00:59:59"), at("03:00:01"));
        assert_eq!(
            split("00:59:59", "03:00:01"),
            (one, three, vec![(from, Some(to)), (three, Some(to))])
        );
        let (from, to) = (at("01:10:00"), at("01:40:00"));
        assert_eq!(
            split("01:10:00", "01:40:00"),
            (two, one, vec![(from, Some(to))]),
            "no whole hour, and nothing twice"
        );
        let open = Split::of(None, None);
        assert_eq!((open.first_hour, open.end_of_hours), (None, None));
        assert_eq!(open.rest, []);
    }
}
