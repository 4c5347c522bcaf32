//! Endpoint 1: opens a session (CONTRACT sections 1.1 and 1.2).

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::LOCATION;
use http::{HeaderMap, HeaderName, StatusCode};
use moc_uploads_core::ErrorCode;
use moc_uploads_core::file::{FileHash, FileMetadata};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::service::CreateSession;
use moc_uploads_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Caller, JsonBody, Object, RequestBody};
use crate::problem::{Problem, problem_responses};
use crate::state::AppState;
use crate::v1::BASE;
use crate::v1::file::metadata::{FileMetadataBody, check_hash, check_size};
use crate::validate::{FieldErrors, MAX_FILES};

/// A request for a session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "files": [
        {"category": "instruction", "name": "castle.pdf", "size": 7340032, "type": "application/pdf", "ext": "pdf"},
        {"category": "thumbnail", "name": "front.jpg", "size": 204800, "type": "image/jpeg", "ext": "jpg"}
    ]
}))]
pub(crate) struct CreateSessionRequest {
    /// What is going to be uploaded; at least one instruction.
    #[schema(required, nullable = false, value_type = Option<Vec<FileMetadataBody>>, min_items = 1, max_items = 1000)]
    #[serde(default, deserialize_with = "crate::extract::list::files")]
    files: Option<Vec<Object<FileMetadataBody>>>,
    /// Hashes of files that do not carry their own.
    #[schema(nullable = false, value_type = Option<Vec<FileHashBody>>)]
    #[serde(default, deserialize_with = "crate::extract::list::files")]
    file_hashes: Option<Vec<Object<FileHashBody>>>,
    /// Lets in files that the user has uploaded before.
    #[schema(nullable = false, default = false)]
    allow_duplicates: Option<bool>,
}

impl RequestBody for CreateSessionRequest {}

/// The hash of a file of the request.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = FileHash)]
pub(crate) struct FileHashBody {
    /// Of a file of this request.
    #[schema(required, nullable = false)]
    key: Option<String>,
    /// Of that file, in bytes.
    #[schema(required, nullable = false, value_type = Option<i64>, minimum = 1)]
    size: Option<u64>,
    /// 32 to 128 hex digits.
    #[schema(required, nullable = false, min_length = 32, max_length = 128)]
    hash: Option<String>,
}

/// The session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedSession)]
pub(crate) struct CreatedSessionBody {
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    /// Cut files into parts of this size.
    #[schema(value_type = i64, example = 5242880)]
    part_size_bytes: u64,
    /// When it expires unless it is used.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

problem_responses!(Problems: BadRequest, FileCountExceeded, Unauthorized, RequestTimeout,
    DuplicateFile, Conflict, FileTooLarge, PayloadTooLarge, UnsupportedMediaType, ValidationError,
    TooManyRequests, DatabaseUnavailable, AuthUnavailable);

/// Open a session
///
/// Checks the files against the limits, against what you have uploaded before and against the
/// daily limit, and opens a session that takes exactly these files.
#[utoipa::path(
    post,
    context_path = BASE,
    path = "/sessions",
    operation_id = "createSession",
    tag = "Sessions",
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, min_length = 1, max_length = 255,
        description = "The same key with the same body within 24 hours returns the first answer and creates nothing.")),
    request_body = CreateSessionRequest,
    responses(
        (status = 201, body = CreatedSessionBody, description = "The session is open.", headers(
            ("Location" = String, description = "The session."),
            ("Idempotency-Replayed" = String, description = "`true` when this is the first answer once more."))),
        Problems
    ),
    security(("bearer" = []))
)]
pub(crate) async fn create_session(
    Caller(principal): Caller,
    State(app): State<AppState>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<CreateSessionRequest>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let allow_duplicates = body.allow_duplicates.unwrap_or(false);
    let files = check(body)?;
    let idempotency = key.map(|key| (key, fingerprint(&files, allow_duplicates)));
    let request = CreateSession {
        files,
        allow_duplicates,
        idempotency,
    };
    let created = app.uploads.create_session(&principal, request).await?;
    let location = format!("{BASE}/sessions/{}", created.session_id);
    let body = Json(CreatedSessionBody {
        session_id: created.session_id,
        part_size_bytes: created.part_size_bytes,
        expires_at: created.expires_at,
    });
    let mut response = (StatusCode::CREATED, [(LOCATION, location)], body).into_response();
    if created.is_replay {
        response
            .headers_mut()
            .insert(IDEMPOTENCY_REPLAYED, http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|key| {
            (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .filter(|_| values.next().is_none())
        .map(|key| Some(key.to_owned()))
        .ok_or_else(|| {
            Problem::new(
                ErrorCode::BadRequest,
                "The header Idempotency-Key must be there once and have 1 to 255 visible ASCII \
                 characters.",
            )
        })
}

/// The same for requests that mean the same, however they are written.
fn fingerprint(files: &[FileMetadata], allow_duplicates: bool) -> String {
    // Strings and numbers only: there is nothing that could fail.
    let normalised = serde_json::to_vec(&(files, allow_duplicates)).unwrap_or_default();
    STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, &normalised))
}

fn check(body: CreateSessionRequest) -> Result<Vec<FileMetadata>, Problem> {
    let mut errors = FieldErrors::default();
    let files = errors.required("/files", body.files).unwrap_or_default();
    if files.is_empty() && errors.is_empty() {
        errors.push("/files", "Name at least one file.");
    }
    let hashes = body.file_hashes.unwrap_or_default();
    for (pointer, count) in [("/files", files.len()), ("/fileHashes", hashes.len())] {
        if count > MAX_FILES {
            errors.push(
                pointer,
                format!("These are too many; up to {MAX_FILES} are taken."),
            );
            return errors.into_result(Vec::new());
        }
    }
    let mut checked: Vec<(usize, FileMetadata)> = Vec::with_capacity(files.len());
    let mut keys = std::collections::HashSet::new();
    for (index, Object(file)) in files.into_iter().enumerate() {
        let at = format!("/files/{index}");
        if let Some(key) = file.key()
            && !keys.insert(key.to_owned())
        {
            errors.push(
                format!("{at}/key"),
                format!("Two files have the key {key:?}; give each its own."),
            );
        }
        checked.extend(file.check(&at, &mut errors).map(|file| (index, file)));
    }
    for (index, Object(hash)) in hashes.into_iter().enumerate() {
        merge_hash(index, hash, &keys, &mut checked, &mut errors);
    }
    errors.into_result(checked.into_iter().map(|(_, file)| file).collect())
}

/// A hash counts for its file as if it stood there (CONTRACT section 1.2).
fn merge_hash(
    index: usize,
    body: FileHashBody,
    keys: &std::collections::HashSet<String>,
    files: &mut [(usize, FileMetadata)],
    errors: &mut FieldErrors,
) {
    let at = format!("/fileHashes/{index}");
    let key = errors.required(format_args!("{at}/key"), body.key);
    let size = check_size(&format!("{at}/size"), body.size, errors);
    let hash = errors.required(format_args!("{at}/hash"), body.hash);
    let hash = check_hash(&format!("{at}/hash"), hash.as_deref(), errors);
    let (Some(key), Some(size), Some(hash)) = (key, size, hash) else {
        return;
    };
    if !keys.contains(&key) {
        let message = format!("No file of this request has the key {key:?}.");
        errors.push(format!("{at}/key"), message);
        return;
    }
    // A file that is wrong itself has been told so.
    let Some((_, file)) = files.iter_mut().find(|(_, file)| file.key == key) else {
        return;
    };
    if file.size_bytes != size {
        let message = format!(
            "The file {key:?} has {} bytes, not {size}.",
            file.size_bytes
        );
        errors.push(format!("{at}/size"), message);
    }
    match &file.hash {
        Some(own) if *own != hash => errors.push(
            format!("{at}/hash"),
            format!(
                "The file {key:?} has another hash, {}.",
                FileHash::as_str(own)
            ),
        ),
        _ => file.hash = Some(hash),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pointers(body: Value) -> Vec<String> {
        match check(serde_json::from_value(body).unwrap()) {
            Ok(_) => Vec::new(),
            Err(problem) => {
                let errors = problem.into_parts().2.errors.unwrap();
                errors.into_iter().map(|error| error.pointer).collect()
            }
        }
    }

    fn pdf() -> Value {
        json!({"category": "instruction", "name": "a.pdf", "size": 7, "type": "application/pdf", "ext": ".pdf"})
    }

    #[test]
    fn a_right_body_is_normalised() {
        let hash = "AB".repeat(32);
        let body =
            json!({"files": [pdf()], "fileHashes": [{"key": "a.pdf", "size": 7, "hash": hash}]});
        let files = check(serde_json::from_value(body).unwrap()).unwrap();
        assert_eq!(files[0].key, "a.pdf");
        assert_eq!(files[0].ext, "pdf");
        assert_eq!(files[0].hash, FileHash::parse(&"ab".repeat(32)));
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        assert_eq!(pointers(json!({})), ["/files"]);
        assert_eq!(pointers(json!({"files": []})), ["/files"]);
        assert_eq!(pointers(json!({"files": vec![pdf(); 1001]})), ["/files"]);
        assert_eq!(pointers(json!({"files": [pdf(), pdf()]})), ["/files/1/key"]);
        let wrong = json!({"category": "book", "name": "", "size": 0, "type": "pdf", "ext": "12345678901", "key": "k\0", "hash": "x"});
        assert_eq!(
            pointers(json!({"files": [pdf(), {}, wrong]})),
            [
                "/files/1/name",
                "/files/1/category",
                "/files/1/size",
                "/files/1/type",
                "/files/1/ext",
                "/files/2/key",
                "/files/2/name",
                "/files/2/category",
                "/files/2/size",
                "/files/2/type",
                "/files/2/ext",
                "/files/2/hash",
            ]
        );
    }

    #[test]
    fn hashes_must_belong_to_files() {
        let of =
            |key: &str, size: u64, hash: String| json!({"key": key, "size": size, "hash": hash});
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let with = |hashes: Value| json!({"files": [pdf()], "fileHashes": hashes});
        assert_eq!(
            pointers(with(json!([of("x", 7, a.clone())]))),
            ["/fileHashes/0/key"]
        );
        assert_eq!(
            pointers(with(json!([of("a.pdf", 8, a.clone())]))),
            ["/fileHashes/0/size"]
        );
        let twice = json!([of("a.pdf", 7, a.clone()), of("a.pdf", 7, b)]);
        assert_eq!(pointers(with(twice)), ["/fileHashes/1/hash"]);
        assert_eq!(pointers(with(json!([{}]))).len(), 3);
    }

    #[test]
    fn a_fingerprint_is_of_the_meaning() {
        let of = |body: Value, allow| {
            fingerprint(
                &check(serde_json::from_value(body).unwrap()).unwrap(),
                allow,
            )
        };
        let plain = json!({"files": [pdf()]});
        let spelled = json!({"files": [{"category": "instruction", "name": "a.pdf", "key": "a.pdf", "size": 7, "type": "Application/PDF; x=1", "ext": "pdf", "more": 1}]});
        assert_eq!(of(plain.clone(), false), of(spelled, false));
        assert_ne!(of(plain.clone(), false), of(plain, true));
    }

    #[test]
    fn idempotency_keys_are_visible_ascii() {
        let of = |key: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(IDEMPOTENCY_KEY, http::HeaderValue::from_bytes(key).unwrap());
            idempotency_key(&headers).is_ok()
        };
        assert!(of(b"a-1"));
        for wrong in [&b""[..], b"a b", "é".as_bytes(), &[b'a'; 256]] {
            assert!(!of(wrong), "{wrong:?}");
        }
    }
}
