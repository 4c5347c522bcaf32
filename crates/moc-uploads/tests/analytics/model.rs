//! The definitions of CONTRACT section 1.8, as plainly as they can be computed.

use std::collections::{BTreeMap, BTreeSet};

use moc_uploads_core::analytics::EventType;
use moc_uploads_core::analytics_report::{
    AnalyticsFilter, AnalyticsMetrics, AnalyticsQuery, AnalyticsReport, Failures, Percentiles,
    StoredEvent, UploadTime, metadata,
};
use serde_json::Value;

use crate::random::{Change, Row, owner, session_id};

/// The table.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) rows: Vec<Row>,
}

impl Model {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Insert(rows) => self.rows.extend(rows.iter().cloned()),
            Change::Delete(_) => {
                let gone = self.named(change);
                self.rows.retain(|row| !gone.contains(&row.id));
            }
            Change::Update(_, new) => {
                let changed = self.named(change);
                let changed = self.rows.iter_mut().filter(|row| changed.contains(&row.id));
                changed.for_each(|row| {
                    *row = Row {
                        id: row.id,
                        ..new.clone()
                    }
                });
            }
            Change::DeleteSession(session) => self.rows.retain(|row| row.session != *session),
            Change::Truncate => self.rows.clear(),
            Change::Prepare => {}
        }
    }

    /// The rows that a change names.
    pub(crate) fn named(&self, change: &Change) -> BTreeSet<uuid::Uuid> {
        let positions = match change {
            Change::Delete(positions) => positions.clone(),
            Change::Update(position, _) => vec![*position],
            _ => vec![],
        };
        let count = self.rows.len();
        let positions = positions.into_iter().filter(|_| count > 0);
        positions
            .map(|position| self.rows[position % count].id)
            .collect()
    }

    pub(crate) fn report(&self, query: &AnalyticsQuery) -> AnalyticsReport {
        let filter = &query.filter;
        let mut chosen: Vec<&Row> = self.rows.iter().filter(|row| is_in(row, filter)).collect();
        let metrics = self.metrics(&chosen, filter);
        let types = &filter.event_types;
        let is_shown = |row: &&Row| {
            types.is_empty() || types.iter().any(|shown| shown.as_str() == row.event_type)
        };
        chosen.retain(is_shown);
        chosen.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
        let page = chosen.into_iter();
        let page = page.skip(query.offset as usize).take(query.limit as usize);
        AnalyticsReport {
            metrics,
            events: page.map(stored).collect(),
        }
    }

    fn metrics(&self, chosen: &[&Row], filter: &AnalyticsFilter) -> AnalyticsMetrics {
        let of_type = |name: EventType| {
            let chosen = chosen.iter().copied();
            chosen.filter(move |row| row.event_type == name.as_str())
        };
        let created: BTreeSet<u128> = of_type(EventType::SessionCreated)
            .map(|row| row.session)
            .collect();
        let ever = |session: &u128, name: EventType| {
            let mut rows = self.rows.iter();
            rows.any(|row| row.session == *session && row.event_type == name.as_str())
        };
        let is_finalized = |session: &&u128| ever(session, EventType::SessionFinalized);
        let has_failed = |session: &&u128| ever(session, EventType::SessionFailed);
        let failed = created.iter().filter(has_failed);

        let mut failures = BTreeMap::new();
        for row in of_type(EventType::SessionFailed) {
            let metadata = metadata(row.metadata.clone());
            let reason = metadata.get("failure_reason").and_then(Value::as_str);
            *failures
                .entry(reason.unwrap_or("UNKNOWN").to_owned())
                .or_default() += 1;
        }
        let mut counts = BTreeMap::<String, u64>::new();
        for row in chosen {
            *counts.entry(row.event_type.clone()).or_default() += 1;
        }
        let sizes =
            of_type(EventType::FileCompleted).filter_map(|row| measure(row, "total_size_bytes"));
        let mut metrics = AnalyticsMetrics {
            sessions_created: created.len() as u64,
            sessions_finalized: created.iter().filter(is_finalized).count() as u64,
            sessions_failed: failed.filter(|session| !is_finalized(session)).count() as u64,
            bytes_uploaded: sizes.sum(),
            upload_time: upload_time(of_type(EventType::FileCompleted)),
            failures: failures
                .into_iter()
                .map(|(reason, count)| Failures { reason, count })
                .collect(),
            ..AnalyticsMetrics::default()
        };
        metrics.set_counts(counts.into_iter().collect(), &filter.event_types);
        metrics
    }
}

fn is_in(row: &Row, filter: &AnalyticsFilter) -> bool {
    filter.from.is_none_or(|from| row.at >= from)
        && filter.to.is_none_or(|to| row.at < to)
        && filter
            .user_id
            .as_ref()
            .is_none_or(|user| user.as_str() == owner(row.session))
}

fn upload_time<'a>(completed: impl Iterator<Item = &'a Row>) -> UploadTime {
    let mut times: Vec<u64> = completed
        .filter_map(|row| measure(row, "elapsed_time_ms"))
        .collect();
    times.sort_unstable();
    let rank = |percent: usize| times[(percent * times.len()).div_ceil(100) - 1];
    UploadTime {
        count: times.len() as u64,
        sum_ms: times.iter().sum(),
        percentiles_ms: (!times.is_empty()).then(|| Percentiles {
            p50: rank(50),
            p95: rank(95),
            p99: rank(99),
        }),
    }
}

/// A number from 0 to 2^53 - 1, cut to a whole one.
fn measure(row: &Row, name: &str) -> Option<u64> {
    let metadata = metadata(row.metadata.clone());
    let number = metadata.get(name)?.as_f64()?;
    (0.0..=9_007_199_254_740_991.0)
        .contains(&number)
        .then_some(number as u64)
}

fn stored(row: &Row) -> StoredEvent {
    StoredEvent {
        event_id: row.id,
        session_id: session_id(row.session),
        event_type: row.event_type.clone(),
        metadata: metadata(row.metadata.clone()),
        created_at: row.at,
    }
}
