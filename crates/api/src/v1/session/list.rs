//! Endpoint 2: the caller's sessions.

use axum::Json;
use axum::extract::State;
use moc_uploads_core::service::ListSessions;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::SummaryBody;
use crate::extract::{Caller, ListQuery};
use crate::names;
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;

/// A page of sessions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionList)]
pub(crate) struct SessionListBody {
    /// Newest first.
    sessions: Vec<SummaryBody>,
    pagination: PaginationBody,
}

/// Which page it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListPagination)]
pub(crate) struct PaginationBody {
    pub(super) limit: u32,
    #[schema(value_type = i64)]
    pub(super) offset: u64,
    /// All that match.
    #[schema(value_type = i64)]
    pub(super) total: u64,
}

problem_responses!(Problems: Unauthorized, ValidationError, DatabaseUnavailable, AuthUnavailable);

/// List your sessions
///
/// Newest first.
#[utoipa::path(
    get,
    context_path = BASE,
    path = "/sessions",
    operation_id = "listSessions",
    tag = "Sessions",
    params(
        ("limit" = Option<i32>, Query, nullable = false, minimum = 1, maximum = 100, description = "At most; 20 when it is not there."),
        ("offset" = Option<i64>, Query, nullable = false, minimum = 0, description = "How many to skip."),
        ("status" = Option<names::SessionStatus>, Query, description = "Only these.")
    ),
    responses((status = 200, body = SessionListBody, description = "A page."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn list_sessions(
    Caller(principal): Caller,
    State(app): State<AppState>,
    query: ListQuery,
) -> Result<Json<SessionListBody>, Problem> {
    let request = ListSessions {
        status: query.status,
        limit: query.limit,
        offset: query.offset,
    };
    let page = app.uploads.list_sessions(&principal, request).await?;
    Ok(Json(SessionListBody {
        sessions: page
            .sessions
            .into_iter()
            .map(|(status, summary)| SummaryBody::new(status, summary))
            .collect(),
        pagination: PaginationBody {
            limit: query.limit,
            offset: query.offset,
            total: page.total,
        },
    }))
}
