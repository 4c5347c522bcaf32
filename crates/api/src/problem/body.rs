//! What a problem says (CONTRACT section 2).

use moc_uploads_core::ids::FileId;
use moc_uploads_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Problem, catalog};
use crate::observe::CorrelationId;

/// Why a request was refused (RFC 9457). Switch on `code`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "type": "/problems/session-expired",
    "title": "The session has expired",
    "status": 410,
    "detail": "The session expired at 2026-01-25T12:00:00.000Z; open a new one.",
    "code": "SESSION_EXPIRED",
    "correlationId": "0198c0de-0000-7000-8000-000000000001",
    "sessionExpired": true,
    "expiresAt": "2026-01-25T12:00:00.000Z",
    "now": "2026-01-25T12:05:00.000Z"
}))]
pub(crate) struct ProblemDetails {
    /// A page that explains the code: `/problems/<slug>`.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    type_uri: String,
    /// The code in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request, and what would be right.
    detail: String,
    /// For programs.
    #[schema(value_type = crate::names::ProblemCode)]
    code: &'static str,
    /// Finds this request in the server's log.
    correlation_id: String,
    #[serde(flatten)]
    members: Members,
}

impl ProblemDetails {
    pub(super) fn new(problem: Problem, correlation_id: &CorrelationId) -> Self {
        let (code, detail, members) = problem.into_parts();
        let entry = catalog::entry(code);
        Self {
            type_uri: format!("/problems/{}", catalog::slug(code)),
            title: entry.title,
            status: entry.status.as_u16(),
            detail,
            code: code.as_str(),
            correlation_id: correlation_id.as_str().to_owned(),
            members,
        }
    }
}

/// What some codes say beyond the words.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProblemMembers)]
pub(crate) struct Members {
    /// `VALIDATION_ERROR`: one entry per field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) errors: Option<Vec<FieldErrorBody>>,
    /// `DUPLICATE_FILE`: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) duplicates: Option<Vec<DuplicateBody>>,
    /// `CONTENT_TYPE_MISMATCH`: the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<uuid::Uuid>, nullable = false)]
    pub(crate) file_id: Option<FileId>,
    /// The client's key of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) key: Option<String>,
    /// `FILE_TOO_LARGE`, `PAYLOAD_TOO_LARGE`: bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) max_bytes: Option<u64>,
    /// `FILE_COUNT_EXCEEDED`: files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) max_count: Option<usize>,
    /// `UNSUPPORTED_MEDIA_TYPE`: what would be taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, nullable = false)]
    pub(crate) allowed_types: Option<&'static [&'static str]>,
    /// `INVALID_PART_NUMBER`: the first and the last part of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) valid_range: Option<[u32; 2]>,
    /// `PART_SIZE_MISMATCH`, `INVALID_PART`: the part.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) part_number: Option<u32>,
    /// `PART_SIZE_MISMATCH`: bytes that the part must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) expected_size: Option<u64>,
    /// `PART_SIZE_MISMATCH`: bytes that came or were announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) received_size: Option<u64>,
    /// `PART_COUNT_MISMATCH`: how many parts the file has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) expected: Option<u32>,
    /// `PART_COUNT_MISMATCH`: part numbers that have not arrived or were not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) missing: Option<Vec<u32>>,
    /// `PART_COUNT_MISMATCH`: part numbers that were named twice or are not of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) unexpected: Option<Vec<u32>>,
    /// `FILES_INCOMPLETE`: registered files that are not completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<uuid::Uuid>>, nullable = false)]
    pub(crate) incomplete: Option<Vec<FileId>>,
    /// `SESSION_NOT_ACTIVE`: what the session is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) session_status: Option<&'static str>,
    /// `SESSION_EXPIRED`: always true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) session_expired: Option<bool>,
    /// `SESSION_EXPIRED`: when it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) expires_at: Option<Timestamp>,
    /// `SESSION_EXPIRED`: the server's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) now: Option<Timestamp>,
    /// `CONFLICT` about a title: a slug that is free.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) suggested_slug: Option<String>,
    /// `RANGE_NOT_SATISFIABLE`: the file's bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) file_size: Option<u64>,
    /// `TOO_MANY_REQUESTS`: when it will be let in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    pub(crate) next_allowed_at: Option<Timestamp>,
    /// `TOO_MANY_REQUESTS` and 503: as in the header `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) retry_after_seconds: Option<u64>,
    /// 503: the same request may succeed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) retryable: Option<bool>,
}

/// One field that can't be right.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FieldProblem, example = json!({"pointer": "/files/0/size", "message": "0 is too small; at least 1 byte."}))]
pub(crate) struct FieldErrorBody {
    /// JSON pointer into the request body, or into the query parameters (RFC 6901).
    pub(crate) pointer: String,
    /// What is wrong and what would be right.
    pub(crate) message: String,
}

/// A file that the user has already.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DuplicateFile)]
pub(crate) struct DuplicateBody {
    /// The client's key in this request.
    pub(crate) key: String,
    /// Where the earlier file is.
    pub(crate) existing_url: String,
}
