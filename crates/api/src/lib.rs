//! The HTTP interface of moc-uploads: axum routes over [`moc_uploads_core::service::Uploads`].
//!
//! The crate knows no adapter, no environment and no socket. Whoever serves it builds an
//! [`ApiConfig`], calls [`router`] and puts the result behind a listener.

pub mod auth;
mod config;
mod readiness;

use axum::Router;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use moc_uploads_core::service::Uploads;

pub use config::{ApiConfig, CorsOrigins};
pub use readiness::Readiness;

/// All routes of CONTRACT section 1 but analytics, and those outside the base path.
///
/// `metrics` is what `GET /metrics` renders; see [`metrics_builder`].
pub fn router(
    uploads: Uploads,
    config: ApiConfig,
    readiness: Readiness,
    metrics: PrometheusHandle,
) -> Router {
    let _ = (uploads, config, readiness, metrics);
    Router::new()
}

/// The OpenAPI 3.1 document of [`router`], as `GET /openapi.json` answers it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    utoipa::openapi::OpenApi::default()
}

/// A recorder with this crate's histogram buckets. Install it once per process
/// (`install_recorder`), and call `run_upkeep` of the handle every few seconds, or samples pile up
/// in memory until somebody asks for `/metrics`.
pub fn metrics_builder() -> PrometheusBuilder {
    PrometheusBuilder::new()
}
