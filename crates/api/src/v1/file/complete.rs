//! Endpoint 9: assembles a file from its parts (CONTRACT section 1.5).

use axum::Json;
use axum::extract::State;
use moc_uploads_core::ids::FileId;
use moc_uploads_core::part::{ETag, PartReceipt};
use moc_uploads_core::plan::MAX_PART_COUNT;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::detach::to_its_end;
use crate::extract::{Caller, FilePath, JsonBody, Object, RequestBody};
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;
use crate::v1::activity::SessionExtension;
use crate::validate::{FieldErrors, Length};

/// All parts of the file, each once, in any order.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CompleteFileRequest {
    #[schema(required, nullable = false, value_type = Option<Vec<PartReceiptBody>>, max_items = 10000)]
    #[serde(default, deserialize_with = "crate::extract::list::parts")]
    parts: Option<Vec<Object<PartReceiptBody>>>,
}

impl RequestBody for CompleteFileRequest {
    /// 10,000 parts with long etags, written with blanks, are more than other bodies.
    const SIZE_FACTOR: usize = 4;
}

/// A part as its upload answered it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartReceipt, example = json!({"partNumber": 1, "etag": "\"d41d8cd98f00b204e9800998ecf8427e\""}))]
pub(crate) struct PartReceiptBody {
    #[schema(required, nullable = false, minimum = 1, maximum = 10000)]
    part_number: Option<u32>,
    /// With or without its quotes.
    #[schema(required, nullable = false, min_length = 1, max_length = 255)]
    etag: Option<String>,
}

/// The file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CompletedFile)]
pub(crate) struct CompletedFileBody {
    #[schema(value_type = uuid::Uuid)]
    file_id: FileId,
    /// Where it can be had.
    file_url: String,
    #[serde(flatten)]
    extension: SessionExtension,
}

problem_responses!(Problems: BadRequest, InvalidPart, PartCountMismatch, PartSizeMismatch,
    ChecksumMismatch, SessionNotActive, Unauthorized, NotFound, RequestTimeout, Conflict, SessionExpired,
    PayloadTooLarge, UnsupportedMediaType, ValidationError, StorageUnavailable, DatabaseUnavailable,
    AuthUnavailable);

/// Complete a file
///
/// Assembles the file once all its parts have arrived. Can be repeated.
#[utoipa::path(
    post,
    context_path = BASE,
    path = "/sessions/{sessionId}/files/{fileId}/complete",
    operation_id = "completeFile",
    tag = "Files",
    params(("sessionId" = uuid::Uuid, Path), ("fileId" = uuid::Uuid, Path)),
    request_body = CompleteFileRequest,
    responses((status = 200, body = CompletedFileBody, description = "The file is assembled."), Problems),
    security(("bearer" = []))
)]
pub(crate) async fn complete_file(
    Caller(principal): Caller,
    State(app): State<AppState>,
    path: FilePath,
    JsonBody(body): JsonBody<CompleteFileRequest>,
) -> Result<Json<CompletedFileBody>, Problem> {
    let receipts = check(body)?;
    let completed = to_its_end(&app, |uploads| async move {
        uploads
            .complete_file(&principal, path.session_id, path.file_id, receipts)
            .await
    })
    .await?;
    Ok(Json(CompletedFileBody {
        file_id: completed.file_id,
        file_url: completed.file_url,
        extension: completed.extension.into(),
    }))
}

/// Which parts there must be is for the file to say; here they are only read.
fn check(body: CompleteFileRequest) -> Result<Vec<PartReceipt>, Problem> {
    let mut errors = FieldErrors::default();
    let parts = errors.required("/parts", body.parts).unwrap_or_default();
    if parts.len() as u64 > MAX_PART_COUNT {
        let message = format!("These are too many; a file has up to {MAX_PART_COUNT}.");
        errors.push("/parts", message);
        return errors.into_result(Vec::new());
    }
    let mut receipts = Vec::with_capacity(parts.len());
    for (index, Object(part)) in parts.into_iter().enumerate() {
        let number = errors.required(format_args!("/parts/{index}/partNumber"), part.part_number);
        let etag = errors.required(format_args!("/parts/{index}/etag"), part.etag);
        if let Some(etag) = &etag {
            errors.text(
                format_args!("/parts/{index}/etag"),
                etag,
                Length(1, 255),
                false,
            );
        }
        if let (Some(part_number), Some(etag)) = (number, etag) {
            let etag = ETag::parse(&etag);
            receipts.push(PartReceipt { part_number, etag });
        }
    }
    errors.into_result(receipts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn etags_come_with_or_without_quotes_and_all_errors_at_once() {
        let body =
            json!({"parts": [{"partNumber": 2, "etag": "\"a\""}, {"partNumber": 1, "etag": "a"}]});
        let receipts = check(serde_json::from_value(body).unwrap()).unwrap();
        assert_eq!(receipts[0].etag, receipts[1].etag);
        let body = json!({"parts": [{"partNumber": 2}, {"etag": ""}]});
        let problem = check(serde_json::from_value(body).unwrap()).unwrap_err();
        assert_eq!(problem.into_parts().2.errors.unwrap().len(), 3);
    }
}
