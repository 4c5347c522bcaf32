//! What Prometheus scrapes.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;

use crate::state::AppState;

/// Metrics for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "getMetrics",
    tag = "System",
    responses((status = 200, body = String, content_type = "text/plain", description = "Text exposition format."))
)]
pub(crate) async fn get_metrics(State(app): State<AppState>) -> impl IntoResponse {
    crate::metrics::show_events(app.uploads.deps().event_queue.stats());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        app.metrics.render(),
    )
}
