//! Endpoint 3: a session's state, files and what has arrived (CONTRACT section 1.10).

use axum::Json;
use axum::extract::State;

use super::view::{FileBody, SessionBody, SummaryBody};
use crate::extract::{Caller, SessionPath};
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;

problem_responses!(Problems: Unauthorized, NotFound, DatabaseUnavailable, AuthUnavailable);

/// Look at a session
///
/// Its state, its files, and what has arrived of them. Looking does not extend it.
#[utoipa::path(
    get,
    context_path = BASE,
    path = "/sessions/{sessionId}",
    operation_id = "getSession",
    tag = "Sessions",
    params(("sessionId" = uuid::Uuid, Path)),
    responses((status = 200, body = SessionBody, description = "The session."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn get_session(
    Caller(principal): Caller,
    State(app): State<AppState>,
    SessionPath(session_id): SessionPath,
) -> Result<Json<SessionBody>, Problem> {
    let view = app.uploads.get_session(&principal, session_id).await?;
    let part_size_bytes = view.detail.summary.session.part_size_bytes;
    Ok(Json(SessionBody {
        summary: SummaryBody::new(view.status, view.detail.summary),
        files: view
            .detail
            .files
            .into_iter()
            .map(|file| FileBody::new(file, part_size_bytes))
            .collect(),
    }))
}
