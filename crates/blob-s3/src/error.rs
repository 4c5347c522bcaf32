//! What goes wrong between here and S3, in the words of the port.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use moc_uploads_core::causes;
use moc_uploads_core::ports::ObjectStoreError;

/// Codes of failures that are about the store or its operators, not about the request: worth
/// another try, at once or when somebody has seen to it. That the store is at fault may come with
/// a 200, since CompleteMultipartUpload has to answer before it is done.
const OPERATORS_CODES: &[&str] = &[
    "AccessDenied",
    "ExpiredToken",
    "InternalError",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NoSuchBucket",
    "OperationAborted",
    "QuotaExceeded",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
];

/// An operation of S3 that failed: the source of every [`ObjectStoreError`] of an
/// [`S3Store`](crate::S3Store).
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {reason}")]
pub struct S3Failure {
    operation: &'static str,
    reason: String,
    status: Option<u16>,
    code: Option<String>,
}

impl S3Failure {
    /// What is behind this error, when it is one of this store's.
    pub fn of(error: &ObjectStoreError) -> Option<&Self> {
        let (ObjectStoreError::Unavailable(source) | ObjectStoreError::Internal(source)) = error;
        source.downcast_ref()
    }

    /// The status of the answer; `None` where none came.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The store's own word for it (`NoSuchBucket`, `NotImplemented`); the answer to a HEAD has none.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Whether nothing was sent, for want of credentials.
    pub fn is_for_want_of_credentials(&self) -> bool {
        self.status.is_none() && self.reason.contains("credential")
    }

    fn told(operation: &'static str, reason: impl fmt::Display) -> Self {
        Self {
            operation,
            reason: reason.to_string(),
            status: None,
            code: None,
        }
    }

    fn answered<E>(operation: &'static str, error: &SdkError<E>) -> Self
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let status = error.raw_response().map(|answer| answer.status().as_u16());
        let reason = match (error, status) {
            (SdkError::ServiceError(answer), Some(status)) => {
                let mut reason = status.to_string();
                let meta = answer.err().meta();
                let request_id = meta.request_id().map(|id| format!("(request {id})"));
                for said in [meta.code(), meta.message(), request_id.as_deref()] {
                    reason.extend(said.map(|said| format!(" {said}")));
                }
                reason
            }
            _ => causes(error),
        };
        Self {
            operation,
            reason,
            status,
            code: error.code().map(str::to_owned),
        }
    }
}

/// What S3 could not do. No answer, too many requests and faults of the other side are worth
/// another try; anything else is ours.
pub(crate) fn store_error<E>(operation: &'static str, error: &SdkError<E>) -> ObjectStoreError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let is_ours = match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let is_operators = error
                .code()
                .is_some_and(|code| OPERATORS_CODES.contains(&code));
            !(status >= 500 || matches!(status, 401 | 403 | 429) || is_operators)
        }
        _ => false,
    };
    let failure = S3Failure::answered(operation, error);
    if is_ours {
        ObjectStoreError::Internal(failure.into())
    } else {
        ObjectStoreError::Unavailable(failure.into())
    }
}

/// What S3 did not do in time.
pub(crate) fn timed_out(operation: &'static str) -> ObjectStoreError {
    unavailable(operation, "no progress for too long")
}

/// What S3 did not do.
pub(crate) fn unavailable(operation: &'static str, reason: impl fmt::Display) -> ObjectStoreError {
    ObjectStoreError::Unavailable(S3Failure::told(operation, reason).into())
}

/// What S3 should not have said.
pub(crate) fn internal(operation: &'static str, reason: impl fmt::Display) -> ObjectStoreError {
    ObjectStoreError::Internal(S3Failure::told(operation, reason).into())
}

/// There is no such object. A HEAD has no body to say so.
pub(crate) fn is_no_object<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    match error.code() {
        Some(code) => matches!(code, "NoSuchKey" | "NotFound"),
        None => error
            .raw_response()
            .is_some_and(|answer| answer.status().as_u16() == 404),
    }
}

/// There is no such upload. Swift says so of the key when the upload was completed.
pub(crate) fn is_no_upload<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(error.code(), Some("NoSuchUpload" | "NoSuchKey"))
}

/// The upload does not hold these parts, or not in a size that can be joined.
pub(crate) fn is_other_parts<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    matches!(error.code(), Some("InvalidPart" | "EntityTooSmall"))
}
