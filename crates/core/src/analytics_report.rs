//! What is asked of the events, and what they add up to (CONTRACT section 1.8).
//!
//! The stores count and sum; what follows from counts and sums is computed here, so that every
//! store answers the same.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::analytics::EventType;
use crate::ids::SessionId;
use crate::principal::UserId;
use crate::time::Timestamp;

/// The reason of a `session_failed` whose metadata names none, or something that is no text.
pub const UNKNOWN_REASON: &str = "UNKNOWN";

/// Which events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnalyticsFilter {
    /// From this instant on.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub to: Option<Timestamp>,
    /// Of sessions of this owner, whatever the metadata say.
    pub user_id: Option<UserId>,
    /// Of these types; of all when there is none. Bounds [`EventPage`] and
    /// [`AnalyticsMetrics::event_counts`], no other metric.
    pub event_types: Vec<EventType>,
}

/// A filter, and which page of the events it lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyticsQuery {
    /// Which events.
    pub filter: AnalyticsFilter,
    /// At most so many events; with 0 the metrics alone.
    pub limit: u32,
    /// Skipping so many of the newest.
    pub offset: u64,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEvent {
    /// Its id.
    pub event_id: Uuid,
    /// What it is about.
    pub session_id: SessionId,
    /// The name of an [`EventType`], or what somebody wrote.
    pub event_type: String,
    /// As it was written: an object, but by hand it may be anything, or missing (null).
    pub metadata: Value,
    /// When it happened.
    pub created_at: Timestamp,
}

/// An id from what a store has that takes any text. Other hands may have written what is no id: it
/// is known by one that is derived from it, always the same.
pub fn event_id(stored: &str) -> Uuid {
    Uuid::parse_str(stored)
        .unwrap_or_else(|_| Uuid::new_v5(&Uuid::NAMESPACE_OID, stored.as_bytes()))
}

/// Metadata from what a store has. What is no JSON that we can read, which other hands may have
/// written, is shown as the text that it is.
pub fn metadata(stored: Option<String>) -> Value {
    stored.map_or(Value::Null, |text| {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    })
}

/// Metrics and events as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct AnalyticsReport {
    /// Of everything that the filter lets through.
    pub metrics: AnalyticsMetrics,
    /// A page, newest first; of one instant, the greatest id first.
    pub events: Vec<StoredEvent>,
}

impl AnalyticsReport {
    /// How many events the filter lets through.
    pub fn total(&self) -> u64 {
        self.metrics.event_counts.values().sum()
    }
}

/// What a range of events adds up to. A *measure* is a number of an event's metadata from 0 to
/// 2^53 - 1, its fraction cut off; anything else in its place is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnalyticsMetrics {
    /// Sessions with a `session_created` in the range.
    pub sessions_created: u64,
    /// Of these, those with a `session_finalized` at any time.
    pub sessions_finalized: u64,
    /// Of these, those with a `session_failed` at any time and no `session_finalized`.
    pub sessions_failed: u64,
    /// `file_registered` in the range.
    pub files_registered: u64,
    /// `file_completed` in the range.
    pub files_completed: u64,
    /// The sum of their `total_size_bytes`.
    pub bytes_uploaded: u64,
    /// Their `elapsed_time_ms`.
    pub upload_time: UploadTime,
    /// `session_failed` in the range by `failure_reason`, in any order.
    pub failures: Vec<Failures>,
    /// Events by type: the service's own types, and what other types there are.
    pub event_counts: BTreeMap<String, u64>,
}

/// How long files took, from registration to completion.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadTime {
    /// Files that say how long they took.
    pub count: u64,
    /// Milliseconds, all together.
    pub sum_ms: u64,
    /// `None` when there are no such files.
    pub percentiles_ms: Option<Percentiles>,
}

/// By nearest rank: the p-th percentile of n times is the ceil(p * n / 100)-th smallest, which is
/// one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of the files took at most so long.
    pub p50: u64,
    /// 95 of 100.
    pub p95: u64,
    /// 99 of 100.
    pub p99: u64,
}

/// How often sessions failed for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// `failure_reason`, or [`UNKNOWN_REASON`].
    pub reason: String,
    /// Events.
    pub count: u64,
}

/// A reason among others.
#[derive(Debug, Clone, PartialEq)]
pub struct FailurePoint {
    /// The reason.
    pub reason: String,
    /// Events.
    pub count: u64,
    /// Of all failures in the range, from 0 to 1.
    pub share: f64,
}

impl AnalyticsMetrics {
    /// Takes the counts of all types of the range: those of `event_types` are shown, all of them
    /// when it is empty.
    pub fn set_counts(&mut self, counts: Vec<(String, u64)>, event_types: &[EventType]) {
        let mut counts: BTreeMap<_, _> = counts.into_iter().collect();
        let count = |name| counts.get(name).copied().unwrap_or(0);
        self.files_registered = count("file_registered");
        self.files_completed = count("file_completed");
        for event_type in EventType::ALL {
            counts.entry(event_type.to_string()).or_insert(0);
        }
        let is_shown = |name: &str| event_types.iter().any(|shown| shown.as_str() == name);
        counts.retain(|name, _| event_types.is_empty() || is_shown(name));
        self.event_counts = counts;
    }

    /// Finalized of created; `None` when none was created.
    pub fn session_success_rate(&self) -> Option<f64> {
        ratio(self.sessions_finalized, self.sessions_created)
    }

    /// The mean in milliseconds; `None` when no file says how long it took.
    pub fn average_upload_time_ms(&self) -> Option<f64> {
        ratio(self.upload_time.sum_ms, self.upload_time.count)
    }

    /// Most frequent first; equally frequent ones by name.
    pub fn common_failure_points(&self) -> Vec<FailurePoint> {
        let total = self.failures.iter().map(|failures| failures.count).sum();
        let mut points: Vec<_> = self
            .failures
            .iter()
            .filter_map(|failures| {
                Some(FailurePoint {
                    reason: failures.reason.clone(),
                    count: failures.count,
                    share: ratio(failures.count, total)?,
                })
            })
            .collect();
        points.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        points
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_rate_and_no_mean() {
        let none = AnalyticsMetrics::default();
        assert_eq!(none.session_success_rate(), None);
        assert_eq!(none.average_upload_time_ms(), None);
        assert_eq!(none.common_failure_points(), []);
    }

    #[test]
    fn failures_are_sorted_and_share_one_whole() {
        let failures = [("B", 1), ("C", 2), ("A", 1)].map(|(reason, count)| Failures {
            reason: reason.to_owned(),
            count,
        });
        let metrics = AnalyticsMetrics {
            failures: failures.into(),
            ..AnalyticsMetrics::default()
        };
        let points = metrics.common_failure_points();
        let points: Vec<_> = points
            .iter()
            .map(|p| (p.reason.as_str(), p.count, p.share))
            .collect();
        assert_eq!(points, [("C", 2, 0.5), ("A", 1, 0.25), ("B", 1, 0.25)]);
    }
}
