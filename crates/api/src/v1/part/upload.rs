//! Endpoint 7: takes in one part, raw bytes, streamed (CONTRACT section 1.4).

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, ETAG, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Version};
use moc_uploads_core::part::ETag;
use moc_uploads_core::service::UploadPart;
use moc_uploads_core::{Error, ErrorCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::PartAccess;
use super::body::part_body;
use super::digest::checksums;
use crate::detach::to_its_end;
use crate::names;
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;
use crate::v1::activity::SessionExtension;

/// The part is stored and recorded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReceivedPart)]
pub(crate) struct ReceivedPartBody {
    part_number: u32,
    /// Hand it back as it is when the file is completed.
    #[schema(value_type = String, example = "\"d41d8cd98f00b204e9800998ecf8427e\"")]
    etag: ETag,
    #[serde(flatten)]
    extension: SessionExtension,
}

problem_responses!(Problems: BadRequest, InvalidPartNumber, PartSizeMismatch, ChecksumMismatch,
    SessionNotActive, Unauthorized, Forbidden, NotFound, RequestTimeout, LengthRequired, Conflict,
    SessionExpired, StorageUnavailable, DatabaseUnavailable, AuthUnavailable);

/// Upload a part
///
/// Part n holds the bytes from (n-1) x partSizeBytes; every part but the last has exactly
/// partSizeBytes, the last has the rest. Sending a part again replaces it. Needs a token, or the
/// `signature` and `expires` of a presigned URL.
#[utoipa::path(
    put,
    context_path = BASE,
    path = "/sessions/{sessionId}/files/{fileId}/parts/{partNumber}",
    operation_id = "uploadPart",
    tag = "Parts",
    params(
        ("sessionId" = uuid::Uuid, Path),
        ("fileId" = uuid::Uuid, Path),
        ("partNumber" = i32, Path, minimum = 1, maximum = 10000),
        ("Content-MD5" = Option<String>, Header, nullable = false, description = "MD5 of the part in base64; verified."),
        ("x-amz-checksum-sha256" = Option<String>, Header, nullable = false, description = "SHA-256 of the part in base64; verified."),
        ("Content-Digest" = Option<String>, Header, nullable = false, description = "RFC 9530; sha-256 and sha-512 are verified.")
    ),
    request_body(content = inline(names::Bytes), content_type = "application/octet-stream", description = "The part's bytes, with Content-Length or chunked."),
    responses(
        (status = 200, body = ReceivedPartBody, description = "The part is stored and recorded.",
            headers(("ETag" = String, description = "The same as `etag` in the body."))),
        Problems
    ),
    security(("bearer" = []), ("presignedSignature" = [], "presignedExpires" = []))
)]
pub(crate) async fn upload_part(
    access: PartAccess,
    State(app): State<AppState>,
    version: Version,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let request = UploadPart {
        session_id: access.path.session_id,
        file_id: access.path.file_id,
        part_number: access.path.part_number.clone(),
        declared_bytes: declared_bytes(version, &headers)?,
        checksums: checksums(&headers)?,
    };
    let body = part_body(body, app.config.body_idle_timeout);
    let part = to_its_end(&app, |uploads| async move {
        uploads.upload_part(access.access(), request, body).await
    })
    .await?;
    let etag = HeaderValue::try_from(part.etag.to_string()).map_err(Error::internal)?;
    let body = Json(ReceivedPartBody {
        part_number: part.part_number,
        etag: part.etag,
        extension: part.extension.into(),
    });
    Ok(([(ETAG, etag)], body).into_response())
}

/// `Content-Length`, or `None` for a body that says by itself where it ends.
fn declared_bytes(version: Version, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    match headers.get(CONTENT_LENGTH) {
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|text| text.parse().ok())
            .map(Some)
            .ok_or_else(|| {
                Problem::new(
                    ErrorCode::BadRequest,
                    "The header Content-Length is no number.",
                )
            }),
        None if version > Version::HTTP_11 || headers.contains_key(TRANSFER_ENCODING) => Ok(None),
        None => Err(Problem::new(
            ErrorCode::LengthRequired,
            "Say how long the part is with the header Content-Length, or send it chunked.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_required_unless_chunked_or_framed() {
        let mut headers = HeaderMap::new();
        let code = declared_bytes(Version::HTTP_11, &headers)
            .unwrap_err()
            .code();
        assert_eq!(code, ErrorCode::LengthRequired);
        assert_eq!(declared_bytes(Version::HTTP_2, &headers).unwrap(), None);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        assert_eq!(declared_bytes(Version::HTTP_11, &headers).unwrap(), None);
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        assert_eq!(declared_bytes(Version::HTTP_11, &headers).unwrap(), Some(7));
    }
}
