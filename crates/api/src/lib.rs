//! The HTTP interface of moc-uploads: axum routes over [`moc_uploads_core::service::Uploads`].
//!
//! The crate knows no adapter, no environment and no socket. Whoever serves it builds an
//! [`ApiConfig`], calls [`router`] and puts the result behind a listener.

pub mod auth;
mod config;
mod cors;
mod detach;
mod extract;
mod host;
mod metrics;
mod names;
mod observe;
mod problem;
mod readiness;
mod state;
mod system;
mod unread;
mod v1;
mod validate;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;
use moc_uploads_core::Error;
use moc_uploads_core::service::Uploads;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

pub use config::{ApiConfig, CorsOrigins};
pub use metrics::metrics_builder;
pub use readiness::Readiness;

use crate::auth::Authenticator;
use crate::metrics::RequestMetrics;
use crate::problem::Problem;
use crate::state::{App, AppState};

/// All routes of CONTRACT section 1, and those outside the base path.
///
/// `metrics` is what `GET /metrics` renders; see [`metrics_builder`].
pub fn router(
    uploads: Uploads,
    config: ApiConfig,
    readiness: Readiness,
    metrics: PrometheusHandle,
) -> Router {
    crate::metrics::describe();
    let (routes, document) = routes().split_for_parts();
    let app = Arc::new(App {
        authenticator: Authenticator::new(&config, uploads.deps().clock.clone()),
        // A document of our own types: there is nothing that could fail.
        openapi: document.to_json().unwrap_or_default().into(),
        uploads,
        config,
        readiness,
        metrics,
        request_metrics: RequestMetrics::new(),
    });
    // All in one, the outermost first: every layer of the router by itself is one more service that
    // each request copies.
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .option_layer(cors::layer(&app.config.cors))
        .layer(CatchPanicLayer::custom(panicked));
    routes
        .fallback(system::not_found)
        .method_not_allowed_fallback(system::method_not_allowed)
        .layer(layers)
        .with_state(app)
}

/// The OpenAPI 3.1 document of [`router`], as `GET /openapi.json` answers it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    routes().into_openapi()
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(system::describe())
        .merge(v1::routes())
        .merge(system::routes())
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Problem::from(Error::internal(format!("panicked: {message}"))).into_response()
}
