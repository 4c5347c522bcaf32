//! Routes outside the base path: health, metrics, documentation. No token needed.

mod docs;
mod health;
mod metrics;
mod openapi;
mod problems;

use axum::response::IntoResponse;
use moc_uploads_core::ErrorCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::state::AppState;

pub(crate) use openapi::describe;

pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(health::get_health))
        .routes(routes!(health::get_readiness))
        .routes(routes!(metrics::get_metrics))
        .routes(routes!(openapi::get_open_api))
        .routes(routes!(docs::get_docs))
        .route("/docs/", axum::routing::get(docs::get_docs_folder))
        .route("/docs/{file}", axum::routing::get(docs::get_docs_file))
        .routes(routes!(problems::list_problems))
        .routes(routes!(problems::get_problem))
}

/// No route of this path.
pub(crate) async fn not_found() -> Problem {
    Problem::new(
        ErrorCode::NotFound,
        "There is nothing at this address; GET /docs shows what there is.",
    )
}

/// A route, but not with this method. The router adds `Allow`.
pub(crate) async fn method_not_allowed() -> impl IntoResponse {
    Problem::new(
        ErrorCode::MethodNotAllowed,
        "This address does not take this method; the header Allow has those that it takes.",
    )
}
