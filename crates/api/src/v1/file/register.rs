//! Endpoint 5: registers one file and starts its multipart upload (CONTRACT section 1.3).

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use moc_uploads_core::ids::FileId;
use moc_uploads_core::ports::PresignedPart;
use moc_uploads_core::service::{RegisterFile, RegisteredFile};
use moc_uploads_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::metadata::FileMetadataBody;
use crate::detach::to_its_end;
use crate::extract::{Caller, JsonBody, RequestBody, SessionPath};
use crate::names;
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;
use crate::v1::activity::SessionExtension;
use crate::validate::FieldErrors;

/// A file that was declared when the session was created.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "category": "instruction", "name": "castle.pdf", "size": 7340032,
    "type": "application/pdf", "ext": "pdf", "partCount": 2
}))]
pub(crate) struct RegisterFileRequest {
    #[schema(required, nullable = false, value_type = Option<names::FileCategory>)]
    category: Option<String>,
    /// As the user sees it.
    #[schema(required, nullable = false, min_length = 1, max_length = 255)]
    name: Option<String>,
    /// Bytes.
    #[schema(required, nullable = false, value_type = Option<i64>, minimum = 1, maximum = 9007199254740992i64)]
    size: Option<u64>,
    /// MIME type.
    #[schema(required, nullable = false, min_length = 3, max_length = 255)]
    r#type: Option<String>,
    /// Extension of the file's name.
    #[schema(required, nullable = false, min_length = 1, max_length = 10)]
    ext: Option<String>,
    /// As it was declared; the name, when it is not there.
    #[schema(min_length = 1, max_length = 255)]
    key: Option<String>,
    /// 32 to 128 hex digits.
    #[schema(min_length = 32, max_length = 128, pattern = "^[0-9A-Fa-f]+$")]
    hash: Option<String>,
    /// Asks for presigned URLs; must be what the file has: its size over the session's
    /// partSizeBytes, rounded up.
    #[schema(minimum = 1, maximum = 10000)]
    part_count: Option<u32>,
}

impl RequestBody for RegisterFileRequest {}

impl RegisterFileRequest {
    /// What names the file, as far as the client says.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.name.as_deref())
    }

    /// `at` is the JSON pointer of this object.
    pub(super) fn check(self, at: &str) -> Result<RegisterFile, FieldErrors> {
        let metadata = FileMetadataBody {
            category: self.category,
            name: self.name,
            size: self.size,
            r#type: self.r#type,
            ext: self.ext,
            key: self.key,
            hash: self.hash,
        };
        let mut errors = FieldErrors::default();
        match metadata.check(at, &mut errors) {
            Some(metadata) if errors.is_empty() => Ok(RegisterFile {
                metadata,
                part_count: self.part_count,
            }),
            _ => Err(errors),
        }
    }
}

/// The file and how to cut it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RegisteredFile)]
pub(crate) struct RegisteredFileBody {
    #[schema(value_type = uuid::Uuid)]
    file_id: FileId,
    /// The object store's name for the upload; opaque.
    upload_id: String,
    key: String,
    /// Every part but the last has exactly this size.
    #[schema(value_type = i64, example = 5242880)]
    part_size_bytes: u64,
    #[schema(example = 2)]
    part_count: u32,
    /// One per part, when `partCount` was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    presigned_urls: Option<Vec<PresignedUrlBody>>,
    #[serde(flatten)]
    extension: SessionExtension,
}

/// Where a part may be put without a token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PresignedUrl)]
pub(crate) struct PresignedUrlBody {
    part_number: u32,
    /// PUT the part's bytes here; the answer has an `ETag` header.
    url: String,
    /// To be sent along.
    headers: BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<RegisteredFile> for RegisteredFileBody {
    fn from(file: RegisteredFile) -> Self {
        let presigned = |part: PresignedPart| PresignedUrlBody {
            part_number: part.part_number,
            url: part.url,
            headers: part.headers.into_iter().collect(),
            expires_at: part.expires_at,
        };
        Self {
            file_id: file.file_id,
            upload_id: file.upload_id.0,
            key: file.key,
            part_size_bytes: file.part_size_bytes,
            part_count: file.part_count,
            presigned_urls: file
                .presigned_parts
                .map(|parts| parts.into_iter().map(presigned).collect()),
            extension: file.extension.into(),
        }
    }
}

problem_responses!(Problems: BadRequest, FileCountExceeded, PartCountMismatch, SessionNotActive,
    Unauthorized, NotFound, RequestTimeout, Conflict, SessionExpired, FileTooLarge, PayloadTooLarge,
    UnsupportedMediaType, ValidationError, StorageUnavailable, DatabaseUnavailable, AuthUnavailable);

/// Register a file
///
/// Starts the multipart upload of a file that was declared when the session was created.
#[utoipa::path(
    post,
    context_path = BASE,
    path = "/sessions/{sessionId}/files",
    operation_id = "registerFile",
    tag = "Files",
    params(("sessionId" = uuid::Uuid, Path)),
    request_body = RegisterFileRequest,
    responses(
        (status = 201, body = RegisteredFileBody, description = "Send its parts.",
            headers(("Location" = String, description = "The file's parts."))),
        Problems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn register_file(
    Caller(principal): Caller,
    State(app): State<AppState>,
    SessionPath(session_id): SessionPath,
    JsonBody(body): JsonBody<RegisterFileRequest>,
) -> Result<Response, Problem> {
    let request = body
        .check("")
        .map_err(|errors| Problem::validation(errors.into_vec()))?;
    let file = to_its_end(&app, |uploads| async move {
        uploads.register_file(&principal, session_id, request).await
    })
    .await?;
    let location = format!("{BASE}/sessions/{session_id}/files/{}/parts", file.file_id);
    let body = Json(RegisteredFileBody::from(file));
    Ok((StatusCode::CREATED, [(LOCATION, location)], body).into_response())
}
