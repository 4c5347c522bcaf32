//! What goes wrong between here and S3, in the words of the port.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
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

/// An operation of S3 that failed, with everything that a log should say about it.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {reason}")]
struct Failure {
    operation: &'static str,
    reason: String,
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
    let failure = Failure {
        operation,
        reason: DisplayErrorContext(error).to_string(),
    };
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
    let reason = reason.to_string();
    ObjectStoreError::Unavailable(Failure { operation, reason }.into())
}

/// What S3 should not have said.
pub(crate) fn internal(operation: &'static str, reason: impl fmt::Display) -> ObjectStoreError {
    let reason = reason.to_string();
    ObjectStoreError::Internal(Failure { operation, reason }.into())
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
