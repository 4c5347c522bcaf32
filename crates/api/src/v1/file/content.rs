//! Endpoint 10: hands out a completed file, whole or a range of it.

use std::ops::Range;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use moc_uploads_core::Error;
use moc_uploads_core::file::UploadFile;
use moc_uploads_core::ports::PresignedHeaders;
use moc_uploads_core::service::Content;

use super::disposition::attachment;
use super::range::{Selected, is_not_modified, select};
use crate::extract::{Caller, FilePath};
use crate::names;
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;

problem_responses!(Problems: Unauthorized, NotFound, Conflict, RangeNotSatisfiable,
    StorageUnavailable, DatabaseUnavailable, AuthUnavailable);

/// Download a file
///
/// The bytes of a completed file, or a single range of them.
#[utoipa::path(
    get,
    context_path = BASE,
    path = "/sessions/{sessionId}/files/{fileId}/content",
    operation_id = "getFileContent",
    tag = "Files",
    params(
        ("sessionId" = uuid::Uuid, Path),
        ("fileId" = uuid::Uuid, Path),
        ("Range" = Option<String>, Header, nullable = false, description = "A single range, such as `bytes=0-1023`."),
        ("If-Range" = Option<String>, Header, nullable = false, description = "An ETag: the range only of this version."),
        ("If-None-Match" = Option<String>, Header, nullable = false, description = "ETags that you have.")
    ),
    responses(
        (status = 200, body = inline(names::Bytes), content_type = "*/*", description = "The whole file, with its declared type.",
            headers(("ETag" = String), ("Accept-Ranges" = String), ("Content-Disposition" = String))),
        (status = 206, body = inline(names::Bytes), content_type = "*/*", description = "The range.",
            headers(("ETag" = String), ("Content-Range" = String))),
        (status = 302, description = "The object store hands out the bytes itself, at `Location`, for a few minutes. Send the same `Range` there.",
            headers(("Location" = String))),
        (status = 304, description = "You have it."),
        Problems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn get_file_content(
    Caller(principal): Caller,
    State(app): State<AppState>,
    path: FilePath,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let content = app
        .uploads
        .read_content(&principal, path.session_id, path.file_id)
        .await?;
    let file = &content.file;
    let size_bytes = file.metadata.size_bytes;
    let etag = file.etag.as_ref().map(ToString::to_string);
    let mut answer = file_headers(file, etag.as_deref())?;
    if etag.is_some_and(|etag| is_not_modified(&headers, &etag)) {
        return Ok((StatusCode::NOT_MODIFIED, answer).into_response());
    }
    // A range is defined for GET alone (RFC 9110, 14.2).
    let is_get = method == Method::GET;
    let etag = answer.get(ETAG).and_then(|etag| etag.to_str().ok());
    let selected = if is_get {
        select(&headers, etag, size_bytes)?
    } else {
        Selected::Whole
    };
    let (status, range) = match selected {
        Selected::Whole => (StatusCode::OK, 0..size_bytes),
        Selected::Part(range) => {
            answer.insert(CONTENT_RANGE, content_range(&range, size_bytes)?);
            (StatusCode::PARTIAL_CONTENT, range)
        }
    };
    if is_get && let Some(url) = presigned_url(&content, &answer).await? {
        return redirect(&url);
    }
    answer.insert(CONTENT_LENGTH, (range.end - range.start).into());
    let body = if is_get {
        Body::from_stream(content.stream(range).await?)
    } else {
        Body::empty()
    };
    Ok((status, answer, body).into_response())
}

/// What the store is to say is what we would have said, as far as it can say it.
async fn presigned_url(content: &Content, answer: &HeaderMap) -> Result<Option<String>, Error> {
    let text = |name| {
        let value = answer.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let headers = PresignedHeaders {
        content_type: text(CONTENT_TYPE),
        content_disposition: text(CONTENT_DISPOSITION),
        cache_control: text(CACHE_CONTROL),
    };
    content.presigned_url(&headers).await
}

/// The URL is as good as a token: nobody is to keep it.
fn redirect(url: &str) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(url).map_err(Error::internal)?;
    let headers = [
        (LOCATION, location),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}

fn content_range(range: &Range<u64>, size_bytes: u64) -> Result<HeaderValue, Error> {
    let text = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
    HeaderValue::try_from(text).map_err(Error::internal)
}

/// What is the same for every answer. The bytes are a stranger's: no browser is to run them.
fn file_headers(file: &UploadFile, etag: Option<&str>) -> Result<HeaderMap, Error> {
    let content_type = HeaderValue::try_from(&file.metadata.content_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let mut headers = HeaderMap::with_capacity(9);
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CONTENT_DISPOSITION, attachment(&file.metadata.name));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; sandbox"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Some(etag) = etag {
        headers.insert(ETAG, HeaderValue::try_from(etag).map_err(Error::internal)?);
    }
    Ok(headers)
}
