//! Whether the process is up, and whether it can do its work.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use moc_uploads_core::ports::{ObjectStoreError, StoreError};
use moc_uploads_core::{Error, ErrorCode};
use serde::Serialize;
use utoipa::openapi::{self, RefOr};
use utoipa::{IntoResponses, ToSchema};

use crate::problem::{Problem, responses_of};
use crate::state::AppState;

/// A store that needs longer does not answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthBody {
    /// `ok`; `shutting-down` with 503.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process up?
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "getHealth",
    tag = "System",
    responses((status = 200, body = HealthBody, description = "It is."))
)]
pub(crate) async fn get_health() -> Json<HealthBody> {
    Json(HealthBody { status: "ok" })
}

struct NotReady;

impl IntoResponses for NotReady {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let codes = [
            ErrorCode::DatabaseUnavailable,
            ErrorCode::StorageUnavailable,
        ];
        let mut responses = responses_of(&codes);
        if let Some(RefOr::T(response)) = responses.get_mut("503") {
            let health = openapi::Ref::from_schema_name("Health");
            let content = openapi::ContentBuilder::new().schema(Some(health)).build();
            response
                .content
                .insert("application/json".to_owned(), content.into());
        }
        responses
    }
}

/// Can it do its work?
///
/// Asks the database and the object store. 503 also while the server shuts down, then with
/// `{"status": "shutting-down"}`.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "getReadiness",
    tag = "System",
    responses((status = 200, body = HealthBody, description = "It can."), NotReady)
)]
pub(crate) async fn get_readiness(State(app): State<AppState>) -> Result<Response, Problem> {
    if app.readiness.is_shutting_down() {
        let body = Json(HealthBody {
            status: "shutting-down",
        });
        return Ok((StatusCode::SERVICE_UNAVAILABLE, body).into_response());
    }
    let deps = app.uploads.deps();
    let (database, storage) = tokio::join!(
        tokio::time::timeout(PING_TIMEOUT, deps.sessions.ping()),
        tokio::time::timeout(PING_TIMEOUT, deps.objects.ping()),
    );
    // Whatever is wrong with a store here, it is not ready.
    match database.map_err(|late| StoreError::Unavailable(late.into())) {
        Ok(Ok(())) => {}
        Ok(Err(error)) | Err(error) => return Err(Error::DatabaseUnavailable(error).into()),
    }
    match storage.map_err(|late| ObjectStoreError::Unavailable(late.into())) {
        Ok(Ok(())) => {}
        Ok(Err(error)) | Err(error) => return Err(Error::StorageUnavailable(error).into()),
    }
    Ok(Json(HealthBody { status: "ok" }).into_response())
}
