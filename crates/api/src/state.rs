//! What every handler can reach.

use std::sync::Arc;

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use moc_uploads_core::service::Uploads;

use crate::auth::Authenticator;
use crate::config::ApiConfig;
use crate::metrics::RequestMetrics;
use crate::readiness::Readiness;

pub(crate) type AppState = Arc<App>;

pub(crate) struct App {
    pub(crate) uploads: Uploads,
    pub(crate) config: ApiConfig,
    pub(crate) authenticator: Authenticator,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) request_metrics: RequestMetrics,
    /// The OpenAPI document, written out.
    pub(crate) openapi: Bytes,
}
