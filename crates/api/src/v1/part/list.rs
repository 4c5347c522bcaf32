//! Endpoint 8: what has arrived of a file; resume from here.

use axum::Json;
use axum::extract::State;
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Caller, FilePath};
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;

/// The parts that have arrived, in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PartList)]
pub(crate) struct PartListBody {
    parts: Vec<PartBody>,
}

/// A part that has arrived.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ListedPart)]
pub(crate) struct PartBody {
    part_number: u32,
    #[schema(value_type = String, example = "\"d41d8cd98f00b204e9800998ecf8427e\"")]
    etag: ETag,
    /// Bytes.
    #[schema(value_type = i64)]
    size: u64,
    #[schema(value_type = String, format = DateTime)]
    uploaded_at: Timestamp,
}

impl From<Part> for PartBody {
    fn from(part: Part) -> Self {
        Self {
            part_number: part.part_number,
            etag: part.etag,
            size: part.size_bytes,
            uploaded_at: part.uploaded_at,
        }
    }
}

problem_responses!(Problems: Unauthorized, NotFound, StorageUnavailable, DatabaseUnavailable,
    AuthUnavailable);

/// List a file's parts
///
/// What has arrived and need not be sent again.
#[utoipa::path(
    get,
    context_path = BASE,
    path = "/sessions/{sessionId}/files/{fileId}/parts",
    operation_id = "listParts",
    tag = "Parts",
    params(("sessionId" = uuid::Uuid, Path), ("fileId" = uuid::Uuid, Path)),
    responses((status = 200, body = PartListBody, description = "The parts."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn list_parts(
    Caller(principal): Caller,
    State(app): State<AppState>,
    path: FilePath,
) -> Result<Json<PartListBody>, Problem> {
    let parts = app
        .uploads
        .list_parts(&principal, path.session_id, path.file_id)
        .await?;
    Ok(Json(PartListBody {
        parts: parts.into_iter().map(PartBody::from).collect(),
    }))
}
