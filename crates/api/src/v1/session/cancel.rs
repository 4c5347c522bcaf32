//! Endpoint 4: cancels a session (CONTRACT section 1.10).

use axum::extract::State;
use http::StatusCode;
use tokio::time::timeout;
use tracing::Instrument;

use crate::detach::to_its_end;
use crate::extract::{Caller, SessionPath};
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;

problem_responses!(Problems: Unauthorized, NotFound, Conflict, DatabaseUnavailable, AuthUnavailable);

/// Cancel a session
///
/// Frees what it stored, completed files included. Can be repeated. A finalized session can't be
/// cancelled.
#[utoipa::path(
    delete,
    context_path = BASE,
    path = "/sessions/{sessionId}",
    operation_id = "cancelSession",
    tag = "Sessions",
    params(("sessionId" = uuid::Uuid, Path)),
    responses((status = 204, description = "It is cancelled."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn cancel_session(
    Caller(principal): Caller,
    State(app): State<AppState>,
    SessionPath(session_id): SessionPath,
) -> Result<StatusCode, Problem> {
    let (detached, patience) = (app.config.detached.clone(), app.config.freeing_patience);
    to_its_end(&app, move |uploads| async move {
        if let Some(ended) = uploads.cancel_session(&principal, session_id).await? {
            let freeing = async move { uploads.free_cancelled(&ended).await };
            let freeing = detached.spawn(freeing.in_current_span());
            // The session is cancelled; a store that takes its time need not be waited for.
            let _ = timeout(patience, freeing).await;
        }
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}
