//! What the events add up to, and a page of them.

use moc_uploads_core::analytics_report::{
    AnalyticsFilter, AnalyticsMetrics, AnalyticsQuery, AnalyticsReport, Failures, Percentiles,
    StoredEvent, UploadTime, event_id, metadata,
};
use rusqlite::types::Value;
use rusqlite::{Row, params_from_iter};

use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db};

/// Everything as of one moment.
pub(crate) fn report(db: &Db<'_>, query: &AnalyticsQuery) -> Result<AnalyticsReport, Error> {
    let _snapshot = db.unchecked_transaction()?;
    let range = range(&query.filter);
    let metrics = read_metrics(db, &query.filter, &range)?;
    let mut report = AnalyticsReport {
        metrics,
        events: Vec::new(),
    };
    if query.limit > 0 && query.offset < report.total() {
        report.events = read_events(db, query, range)?;
    }
    Ok(report)
}

/// What every query is given: from, to and owner.
fn range(filter: &AnalyticsFilter) -> Vec<Value> {
    let instant = |at: Option<i64>, open| Value::Integer(at.unwrap_or(open));
    let user_id = filter.user_id.as_ref();
    vec![
        instant(filter.from.map(|at| at.unix_ms()), i64::MIN),
        instant(filter.to.map(|at| at.unix_ms()), i64::MAX),
        user_id.map_or(Value::Null, |id| Value::Text(id.as_str().to_owned())),
    ]
}

fn read_metrics(
    db: &Db<'_>,
    filter: &AnalyticsFilter,
    range: &[Value],
) -> Result<AnalyticsMetrics, Error> {
    let mut metrics = AnalyticsMetrics::default();
    let counts = sql::all(
        db,
        include_str!("../queries/analytics_counts.sql"),
        params_from_iter(range),
        |row| Ok((row.get(0)?, decode::unsigned(row, 1)?)),
    )?;
    metrics.set_counts(counts, &filter.event_types);
    let sessions = sql::first(
        db,
        include_str!("../queries/analytics_sessions.sql"),
        params_from_iter(range),
        |row| {
            let count = |at| decode::unsigned(row, at);
            Ok((count(0)?, count(1)?, count(2)?))
        },
    )?;
    (
        metrics.sessions_created,
        metrics.sessions_finalized,
        metrics.sessions_failed,
    ) = sessions.unwrap_or_default();
    let files = sql::first(
        db,
        include_str!("../queries/analytics_files.sql"),
        params_from_iter(range),
        files,
    )?;
    (metrics.upload_time, metrics.bytes_uploaded) = files.unwrap_or_default();
    metrics.failures = sql::all(
        db,
        include_str!("../queries/analytics_failures.sql"),
        params_from_iter(range),
        |row| {
            Ok(Failures {
                reason: row.get(0)?,
                count: decode::unsigned(row, 1)?,
            })
        },
    )?;
    Ok(metrics)
}

/// `count`, two sums in halves of 20 bits and the rest, and the percentiles.
fn files(row: &Row<'_>) -> Result<(UploadTime, u64), Error> {
    let sum = |at| -> Result<u64, Error> {
        let high = u128::from(decode::unsigned(row, at)?) << 20;
        let low = u128::from(decode::unsigned(row, at + 1)?);
        Ok(u64::try_from(high + low).unwrap_or(u64::MAX))
    };
    let percentiles_ms = if decode::is_present(row, 5)? {
        Some(Percentiles {
            p50: decode::unsigned(row, 5)?,
            p95: decode::unsigned(row, 6)?,
            p99: decode::unsigned(row, 7)?,
        })
    } else {
        None
    };
    let time = UploadTime {
        count: decode::unsigned(row, 0)?,
        sum_ms: sum(1)?,
        percentiles_ms,
    };
    Ok((time, sum(3)?))
}

fn read_events(
    db: &Db<'_>,
    query: &AnalyticsQuery,
    mut params: Vec<Value>,
) -> Result<Vec<StoredEvent>, Error> {
    let types: Vec<_> = query
        .filter
        .event_types
        .iter()
        .map(|shown| shown.as_str())
        .collect();
    params.push(match types.is_empty() {
        true => Value::Null,
        false => Value::Text(serde_json::json!(types).to_string()),
    });
    params.push(Value::Integer(query.limit.into()));
    params.push(Value::Integer(
        i64::try_from(query.offset).unwrap_or(i64::MAX),
    ));
    sql::all(
        db,
        include_str!("../queries/analytics_list.sql"),
        params_from_iter(params),
        |row| {
            Ok(StoredEvent {
                event_id: event_id(decode::text(row, 0)?),
                session_id: decode::parsed(row, 1)?,
                event_type: row.get(2)?,
                metadata: metadata(row.get(3)?),
                created_at: decode::timestamp(row, 4)?,
            })
        },
    )
}
