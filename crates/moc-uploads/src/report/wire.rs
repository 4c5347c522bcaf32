//! What the server says (CONTRACT section 1.8).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `metrics` of the answer.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Metrics {
    pub(super) sessions_created: u64,
    pub(super) sessions_finalized: u64,
    pub(super) sessions_failed: u64,
    pub(super) session_success_rate: Option<f64>,
    pub(super) average_upload_time_ms: Option<f64>,
    pub(super) upload_time_ms: Percentiles,
    pub(super) files_registered: u64,
    pub(super) files_completed: u64,
    pub(super) bytes_uploaded: u64,
    pub(super) common_failure_points: Vec<FailurePoint>,
    /// Everything else that the server says, as it says it.
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Percentiles {
    pub(super) p50: Option<u64>,
    pub(super) p95: Option<u64>,
    pub(super) p99: Option<u64>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct FailurePoint {
    pub(super) reason: String,
    pub(super) count: u64,
    pub(super) share: f64,
}
