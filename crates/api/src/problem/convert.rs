//! From the core's errors to problems. Causes go to the log here, never to clients.

use http::HeaderValue;
use http::header::CONTENT_RANGE;
use moc_uploads_core::{Error, ErrorCode, FieldError};

use super::body::DuplicateBody;
use super::{FieldErrorBody, Members, Problem, shorten};

/// What `Retry-After` says when a store does not answer.
const RETRY_AFTER_SECONDS: u64 = 5;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = error.code();
        if let Error::StorageUnavailable(_) | Error::DatabaseUnavailable(_) | Error::Internal(_) =
            &error
        {
            tracing::error!(%code, causes = error.causes(), "request failed");
        }
        let problem = Self::new(code, error.to_string());
        let headers = content_range(&error);
        let mut problem = problem.with(members(error));
        problem.headers.extend(headers);
        problem
    }
}

impl Problem {
    /// 422 with these fields.
    pub(crate) fn validation(errors: Vec<FieldError>) -> Self {
        Error::Validation(errors).into()
    }

    /// A 503 that says when to try again.
    pub(crate) fn unavailable(code: ErrorCode, detail: &str, retry_after_seconds: u64) -> Self {
        Self::new(code, detail).with(retry_later(retry_after_seconds))
    }
}

/// Errors of a refusal: a client that is wrong everywhere learns nothing from more.
const MAX_ERRORS: usize = 100;

/// Characters of a pointer or a message, which may have what the client sent in them.
const MAX_ERROR_CHARS: usize = 400;

fn shown(errors: Vec<FieldError>) -> Vec<FieldErrorBody> {
    let mut errors: Vec<_> = errors.into_iter().take(MAX_ERRORS).collect();
    for error in &mut errors {
        shorten(&mut error.pointer, MAX_ERROR_CHARS);
        shorten(&mut error.message, MAX_ERROR_CHARS);
    }
    errors.into_iter().map(FieldErrorBody::from).collect()
}

fn members(error: Error) -> Members {
    let none = Members::default();
    match error {
        Error::Validation(errors) => Members {
            errors: Some(shown(errors)),
            ..none
        },
        Error::FileTooLarge { key, max_bytes, .. } => Members {
            key: Some(key),
            max_bytes: Some(max_bytes),
            ..none
        },
        Error::UnsupportedType { key, allowed, .. } => Members {
            key: Some(key),
            allowed_types: Some(allowed),
            ..none
        },
        Error::FileCountExceeded { max_count, .. } => Members {
            max_count: (max_count > 0).then_some(max_count),
            ..none
        },
        Error::DuplicateFile(duplicates) => Members {
            duplicates: Some(
                duplicates
                    .into_iter()
                    .map(|duplicate| DuplicateBody {
                        key: duplicate.key,
                        existing_url: duplicate.existing_url,
                    })
                    .collect(),
            ),
            ..none
        },
        Error::DailyLimit {
            next_allowed_at,
            retry_after_seconds,
            ..
        } => Members {
            next_allowed_at: Some(next_allowed_at),
            retry_after_seconds: Some(retry_after_seconds),
            ..none
        },
        Error::Conflict { suggested_slug, .. } => Members {
            suggested_slug,
            ..none
        },
        Error::SessionNotActive { status } => Members {
            session_status: Some(status.as_str()),
            ..none
        },
        Error::SessionExpired { expires_at, now } => Members {
            session_expired: Some(true),
            expires_at: Some(expires_at),
            now: Some(now),
            ..none
        },
        Error::FilesIncomplete { incomplete } => Members {
            incomplete: Some(incomplete),
            ..none
        },
        Error::ContentTypeMismatch { file_id, key, .. } => Members {
            file_id: Some(file_id),
            key: Some(key),
            ..none
        },
        Error::RangeNotSatisfiable { size_bytes } => Members {
            file_size: Some(size_bytes),
            ..none
        },
        Error::StorageUnavailable(_) | Error::DatabaseUnavailable(_) => {
            retry_later(RETRY_AFTER_SECONDS)
        }
        part => part_members(part),
    }
}

fn part_members(error: Error) -> Members {
    let none = Members::default();
    match error {
        Error::InvalidPartNumber { last, .. } => Members {
            valid_range: Some([1, last]),
            ..none
        },
        Error::PartSizeMismatch {
            part_number,
            expected_size_bytes,
            received_bytes,
        } => Members {
            part_number: Some(part_number),
            expected_size: Some(expected_size_bytes),
            received_size: received_bytes,
            ..none
        },
        Error::WrongPartCount { expected, .. } => Members {
            expected: Some(expected),
            ..none
        },
        Error::PartCountMismatch {
            expected,
            missing,
            unexpected,
        } => Members {
            expected: Some(expected),
            missing: Some(missing),
            unexpected: (!unexpected.is_empty()).then_some(unexpected),
            ..none
        },
        Error::InvalidPart { part_number } => Members {
            part_number: Some(part_number),
            ..none
        },
        _ => none,
    }
}

fn retry_later(seconds: u64) -> Members {
    Members {
        retryable: Some(true),
        retry_after_seconds: Some(seconds),
        ..Members::default()
    }
}

fn content_range(error: &Error) -> Option<(http::HeaderName, HeaderValue)> {
    let Error::RangeNotSatisfiable { size_bytes } = error else {
        return None;
    };
    let value = HeaderValue::try_from(format!("bytes */{size_bytes}")).ok()?;
    Some((CONTENT_RANGE, value))
}

impl From<FieldError> for FieldErrorBody {
    fn from(error: FieldError) -> Self {
        Self {
            pointer: error.pointer,
            message: error.message,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;

    #[test]
    fn causes_never_reach_the_client() {
        let (code, detail, members) = Problem::from(Error::internal("secret table")).into_parts();
        let said = format!(
            "{code} {detail} {}",
            serde_json::to_string(&members).unwrap()
        );
        assert_eq!(code, ErrorCode::InternalError);
        assert!(!said.contains("secret table"), "{said}");
    }

    #[test]
    fn a_range_outside_tells_the_size() {
        let response = Problem::from(Error::RangeNotSatisfiable { size_bytes: 7 }).into_response();
        assert_eq!(response.status(), 416);
        assert_eq!(response.headers()[CONTENT_RANGE], "bytes */7");
    }
}
