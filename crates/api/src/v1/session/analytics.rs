//! Endpoint 12: what the sessions' events say (CONTRACT section 1.8).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use moc_uploads_core::analytics::EventType;
use moc_uploads_core::analytics_report::{
    AnalyticsFilter, AnalyticsMetrics, FailurePoint, StoredEvent,
};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::time::Timestamp;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::list::PaginationBody;
use crate::extract::{Admin, AnalyticsParams};
use crate::names;
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;

/// What the events say.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionAnalytics)]
pub(crate) struct AnalyticsBody {
    filters: FiltersBody,
    metrics: MetricsBody,
    /// Newest first.
    events: Vec<EventBody>,
    pagination: PaginationBody,
}

/// What was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionAnalyticsFilters)]
struct FiltersBody {
    /// Inclusive.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    from: Option<Timestamp>,
    /// Exclusive.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    to: Option<Timestamp>,
    /// All types when there is none.
    #[schema(value_type = Vec<names::SessionEventType>)]
    event_type: Vec<EventType>,
    #[schema(required)]
    user_id: Option<String>,
}

/// What the events in the range add up to; docs/analytics.md says exactly how.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionAnalyticsMetrics)]
struct MetricsBody {
    /// Sessions created in the range.
    #[schema(value_type = i64)]
    sessions_created: u64,
    /// Of these, those that were finalized, at any time.
    #[schema(value_type = i64)]
    sessions_finalized: u64,
    /// Of these, those that failed and were never finalized.
    #[schema(value_type = i64)]
    sessions_failed: u64,
    /// Finalized of created, from 0 to 1; null when none was created.
    #[serde(serialize_with = "plain")]
    #[schema(required)]
    session_success_rate: Option<f64>,
    /// From registration to completion of a file, the mean; null when none was completed.
    #[serde(serialize_with = "plain")]
    #[schema(required)]
    average_upload_time_ms: Option<f64>,
    upload_time_ms: PercentilesBody,
    #[schema(value_type = i64)]
    files_registered: u64,
    #[schema(value_type = i64)]
    files_completed: u64,
    /// Of completed files.
    #[schema(value_type = i64)]
    bytes_uploaded: u64,
    /// Why sessions failed in the range, most frequent first.
    common_failure_points: Vec<FailurePointBody>,
    /// Events by type, bounded by `eventType`.
    #[schema(value_type = BTreeMap<String, i64>)]
    event_counts: BTreeMap<String, u64>,
}

/// By nearest rank: 50, 95 and 99 of 100 files took at most so long.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UploadTimePercentiles)]
struct PercentilesBody {
    #[schema(value_type = Option<i64>, required)]
    p50: Option<u64>,
    #[schema(value_type = Option<i64>, required)]
    p95: Option<u64>,
    #[schema(value_type = Option<i64>, required)]
    p99: Option<u64>,
}

/// How often sessions failed for one reason.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FailurePoint)]
struct FailurePointBody {
    /// An error code, or CANCELLED; UNKNOWN where an event names none.
    reason: String,
    #[schema(value_type = i64)]
    count: u64,
    /// Of all failures in the range, from 0 to 1.
    #[serde(serialize_with = "plain_number")]
    share: f64,
}

/// An event as it is stored.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionEvent)]
struct EventBody {
    event_id: uuid::Uuid,
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    #[schema(example = "session_created")]
    event_type: String,
    /// An object unless somebody wrote something else.
    metadata: serde_json::Value,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

problem_responses!(Problems: Unauthorized, Forbidden, ValidationError, DatabaseUnavailable, AuthUnavailable);

/// Look at what the sessions' events say
///
/// For admins. `from`, `to` and `userId` bound metrics and events, `eventType` bounds events, their
/// total and their counts. Events are there within ten seconds of what happened.
#[utoipa::path(
    get,
    context_path = BASE,
    path = "/sessions/analytics",
    operation_id = "getAnalytics",
    tag = "Sessions",
    params(
        ("from" = Option<String>, Query, description = "A date or an RFC 3339 time, inclusive.", example = "2026-01-01"),
        ("to" = Option<String>, Query, description = "A date or an RFC 3339 time, exclusive.", example = "2026-02-01T00:00:00Z"),
        ("eventType" = Option<Vec<names::SessionEventType>>, Query, description = "Only these; can be repeated."),
        ("userId" = Option<String>, Query, min_length = 1, max_length = 1024, description = "Only sessions of this owner."),
        ("limit" = Option<i32>, Query, minimum = 0, maximum = 500, description = "Events at most; 50 when it is not there, 0 for metrics alone."),
        ("offset" = Option<i64>, Query, minimum = 0, description = "How many events to skip.")
    ),
    responses((status = 200, body = AnalyticsBody, description = "Metrics and a page of events."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_analytics(
    Admin(principal): Admin,
    State(app): State<AppState>,
    AnalyticsParams(query): AnalyticsParams,
) -> Result<Json<AnalyticsBody>, Problem> {
    let report = app
        .uploads
        .query_analytics(&principal, query.clone())
        .await?;
    let pagination = PaginationBody {
        limit: query.limit,
        offset: query.offset,
        total: report.total(),
    };
    Ok(Json(AnalyticsBody {
        filters: query.filter.into(),
        metrics: report.metrics.into(),
        events: report.events.into_iter().map(EventBody::from).collect(),
        pagination,
    }))
}

impl From<AnalyticsFilter> for FiltersBody {
    fn from(filter: AnalyticsFilter) -> Self {
        Self {
            from: filter.from,
            to: filter.to,
            event_type: filter.event_types,
            user_id: filter.user_id.map(|id| id.as_str().to_owned()),
        }
    }
}

impl From<AnalyticsMetrics> for MetricsBody {
    fn from(metrics: AnalyticsMetrics) -> Self {
        let percentiles = metrics.upload_time.percentiles_ms;
        let points = metrics.common_failure_points();
        Self {
            sessions_created: metrics.sessions_created,
            sessions_finalized: metrics.sessions_finalized,
            sessions_failed: metrics.sessions_failed,
            session_success_rate: metrics.session_success_rate(),
            average_upload_time_ms: metrics.average_upload_time_ms(),
            upload_time_ms: PercentilesBody {
                p50: percentiles.map(|times| times.p50),
                p95: percentiles.map(|times| times.p95),
                p99: percentiles.map(|times| times.p99),
            },
            files_registered: metrics.files_registered,
            files_completed: metrics.files_completed,
            bytes_uploaded: metrics.bytes_uploaded,
            common_failure_points: points.into_iter().map(FailurePointBody::from).collect(),
            event_counts: metrics.event_counts,
        }
    }
}

impl From<FailurePoint> for FailurePointBody {
    fn from(point: FailurePoint) -> Self {
        Self {
            reason: point.reason,
            count: point.count,
            share: point.share,
        }
    }
}

impl From<StoredEvent> for EventBody {
    fn from(event: StoredEvent) -> Self {
        Self {
            event_id: event.event_id,
            session_id: event.session_id,
            event_type: event.event_type,
            metadata: event.metadata,
            created_at: event.created_at,
        }
    }
}

/// 5000 rather than 5000.0, as a client would write it.
fn plain<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => plain_number(number, serializer),
        None => serializer.serialize_none(),
    }
}

fn plain_number<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    /// Up to here a double is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}
