//! What came back.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::faults::SECRET;

/// An answer, read to its end.
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    what: String,
}

impl Response {
    pub(super) async fn collect(what: String, response: http::Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let response = Self {
            status: head.status,
            headers: head.headers,
            body,
            what,
        };
        // CONTRACT section 1: every response carries it.
        assert!(
            !response.header("x-correlation-id").is_empty(),
            "{response:?}"
        );
        response
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// The body as JSON, which it must be and say.
    #[track_caller]
    pub fn json(&self) -> Value {
        let content_type = self.header("content-type");
        assert!(
            content_type.starts_with("application/json")
                || content_type.starts_with("application/problem+json"),
            "{self:?}"
        );
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header that must be there, once, as text.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values
            .next()
            .unwrap_or_else(|| panic!("no header {name}: {self:?}"));
        assert!(values.next().is_none(), "{name} twice: {self:?}");
        value
            .to_str()
            .unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Whether a header is there.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.contains_key(name)
    }

    /// The refusal that it must be, complete by CONTRACT section 2: its code and its members.
    #[track_caller]
    pub fn problem(&self) -> (String, Value) {
        let status = self.status.as_u16();
        assert!(status >= 400, "{self:?}");
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], status, "{self:?}");
        assert_eq!(
            problem["correlationId"],
            self.header("x-correlation-id"),
            "{self:?}"
        );
        for member in ["type", "title", "detail", "code"] {
            let text = problem[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member}: {self:?}");
        }
        let path = problem["type"].as_str().unwrap_or_default();
        assert!(path.starts_with("/problems/"), "{self:?}");
        assert!(
            !self
                .body
                .windows(SECRET.len())
                .any(|w| w == SECRET.as_bytes()),
            "internals reach the client: {self:?}"
        );
        let code = problem["code"].as_str().unwrap_or_default().to_owned();
        assert!(is_code_of_status(&code, status), "{self:?}");
        if code == "UNAUTHORIZED" {
            assert!(
                self.header("www-authenticate").starts_with("Bearer"),
                "{self:?}"
            );
        }
        if status == 503 {
            assert_eq!(problem["retryable"], true, "{self:?}");
            assert!(
                self.header("retry-after").parse::<u64>().is_ok(),
                "{self:?}"
            );
        }
        (code, problem)
    }

    /// The refusal that it must be, with this status and code; its members.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let (found, problem) = self.problem();
        assert_eq!(
            (self.status.as_u16(), found.as_str()),
            (status, code),
            "{self:?}"
        );
        problem
    }

    /// The JSON pointers that a 422 names.
    #[track_caller]
    pub fn invalid_pointers(&self) -> Vec<String> {
        let problem = self.refused(422, "VALIDATION_ERROR");
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        assert!(!errors.is_empty(), "{self:?}");
        errors
            .iter()
            .map(|error| {
                assert!(error["message"].is_string(), "{self:?}");
                error["pointer"].as_str().map(str::to_owned)
            })
            .collect::<Option<_>>()
            .unwrap_or_else(|| panic!("{self:?}"))
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = &self.body[..self.body.len().min(2000)];
        write!(
            f,
            "{} -> {} {:?}\n{}",
            self.what,
            self.status,
            self.headers,
            String::from_utf8_lossy(head)
        )
    }
}

/// The table of CONTRACT section 2. `AUTH_UNAVAILABLE` stands beside it: 503 without which nobody
/// could tell which part is down.
fn is_code_of_status(code: &str, status: u16) -> bool {
    let codes: &[&str] = match status {
        400 => &[
            "BAD_REQUEST",
            "FILE_COUNT_EXCEEDED",
            "INVALID_PART_NUMBER",
            "INVALID_PART",
            "PART_SIZE_MISMATCH",
            "PART_COUNT_MISMATCH",
            "CHECKSUM_MISMATCH",
            "CONTENT_TYPE_MISMATCH",
            "FILES_INCOMPLETE",
            "SESSION_NOT_ACTIVE",
        ],
        401 => &["UNAUTHORIZED"],
        403 => &["FORBIDDEN"],
        404 => &["NOT_FOUND"],
        405 => &["METHOD_NOT_ALLOWED"],
        408 => &["REQUEST_TIMEOUT"],
        409 => &["CONFLICT", "DUPLICATE_FILE"],
        410 => &["SESSION_EXPIRED"],
        411 => &["LENGTH_REQUIRED"],
        413 => &["FILE_TOO_LARGE", "PAYLOAD_TOO_LARGE"],
        415 => &["UNSUPPORTED_MEDIA_TYPE"],
        416 => &["RANGE_NOT_SATISFIABLE"],
        422 => &["VALIDATION_ERROR"],
        429 => &["TOO_MANY_REQUESTS"],
        500 => &["INTERNAL_ERROR"],
        503 => &[
            "STORAGE_UNAVAILABLE",
            "DATABASE_UNAVAILABLE",
            "AUTH_UNAVAILABLE",
        ],
        _ => &[],
    };
    codes.contains(&code)
}
