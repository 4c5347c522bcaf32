//! What can go wrong, as clients see it.

mod code;

use crate::file::Category;
use crate::ids::FileId;
use crate::ports::{ObjectStoreError, StoreError};
use crate::session::SessionStatus;
use crate::time::Timestamp;

pub use code::ErrorCode;

/// One field that can't be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer into the request body (RFC 6901).
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl FieldError {
    /// A field error.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
        }
    }
}

/// A file that the user has already (CONTRACT section 1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The client's key in this request.
    pub key: String,
    /// Where the earlier file is.
    pub existing_url: String,
}

/// Why a use case refused. `Display` is what the client reads as `detail`: it names the field,
/// the value and what would be right, and nothing internal.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400, said in words.
    #[error("{0}")]
    BadRequest(String),
    /// 422, one entry per field.
    #[error("{}", validation_detail(.0))]
    Validation(Vec<FieldError>),
    /// 413.
    #[error(
        "The file {key:?} has {size_bytes} bytes; the category {category} takes at most {max_bytes}."
    )]
    FileTooLarge {
        /// The client's key.
        key: String,
        /// Its category.
        category: Category,
        /// Declared.
        size_bytes: u64,
        /// Allowed.
        max_bytes: u64,
    },
    /// 415.
    #[error(
        "The file {key:?} has the type {content_type:?}; the category {category} takes {}.", allowed.join(", ")
    )]
    UnsupportedType {
        /// The client's key.
        key: String,
        /// Its category.
        category: Category,
        /// Declared.
        content_type: String,
        /// What the category takes.
        allowed: &'static [&'static str],
    },
    /// 400.
    #[error("{detail}")]
    FileCountExceeded {
        /// In words.
        detail: String,
        /// Allowed.
        max_count: usize,
    },
    /// 400.
    #[error("The file has no part {part_number:?}; its parts are 1 to {last}.")]
    InvalidPartNumber {
        /// As the client wrote it.
        part_number: String,
        /// The file's last part.
        last: u32,
    },
    /// 400.
    #[error("Part {part_number} must have exactly {expected_size_bytes} bytes{}.", received(*received_bytes))]
    PartSizeMismatch {
        /// From 1.
        part_number: u32,
        /// By the plan.
        expected_size_bytes: u64,
        /// What came or was announced, where it is known.
        received_bytes: Option<u64>,
    },
    /// 400, of a registration.
    #[error(
        "partCount is {declared}, but with {part_size_bytes} bytes a part this file has {expected}."
    )]
    WrongPartCount {
        /// By the plan.
        expected: u32,
        /// What the client said.
        declared: u32,
        /// Of all parts but the last.
        part_size_bytes: u64,
    },
    /// 400.
    #[error(
        "The file has {}{}.",
        counted(*expected as usize, "part", "parts"),
        part_count_detail(missing, unexpected)
    )]
    PartCountMismatch {
        /// By the plan.
        expected: u32,
        /// Not received, or not named in the request.
        missing: Vec<u32>,
        /// Named, but not of the file, or named twice.
        unexpected: Vec<u32>,
    },
    /// 400.
    #[error(
        "The etag of part {part_number} is not that of the part that was received last; list the parts and use theirs."
    )]
    InvalidPart {
        /// The first wrong one.
        part_number: u32,
    },
    /// 400.
    #[error("{0}")]
    ChecksumMismatch(String),
    /// 400.
    #[error(
        "The file {key:?} was declared as {declared}, but its first bytes are {found}. Cancel the session and upload it as what it is."
    )]
    ContentTypeMismatch {
        /// The file.
        file_id: FileId,
        /// The client's key.
        key: String,
        /// The declared type.
        declared: String,
        /// What the bytes look like.
        found: String,
    },
    /// 400.
    #[error(
        "{} not completed; complete what is missing and finalize again.",
        counted(incomplete.len(), "registered file is", "registered files are")
    )]
    FilesIncomplete {
        /// Them.
        incomplete: Vec<FileId>,
    },
    /// 400.
    #[error("The session is {}; open a new one.", status.as_str())]
    SessionNotActive {
        /// What it is.
        status: SessionStatus,
    },
    /// 410.
    #[error("The session expired at {expires_at}; open a new one.")]
    SessionExpired {
        /// When.
        expires_at: Timestamp,
        /// The server's time.
        now: Timestamp,
    },
    /// 403, said in words.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 404.
    #[error("There is no such {0}, or it is not yours.")]
    NotFound(&'static str),
    /// 409.
    #[error("{detail}")]
    Conflict {
        /// In words.
        detail: String,
        /// For a title that is taken: a slug that is free.
        suggested_slug: Option<String>,
    },
    /// 409.
    #[error(
        "You have uploaded {} of these files before; use the existing ones, or set allowDuplicates to true.", .0.len()
    )]
    DuplicateFile(Vec<Duplicate>),
    /// 429.
    #[error("You may open {limit} sessions a day (UTC); the next one at {next_allowed_at}.")]
    DailyLimit {
        /// Sessions per user and UTC day.
        limit: u32,
        /// The next midnight.
        next_allowed_at: Timestamp,
        /// Whole seconds until then, at least 1.
        retry_after_seconds: u64,
    },
    /// 408.
    #[error(
        "The request body made no progress for too long; what was acknowledged is kept, send this part again."
    )]
    RequestTimeout,
    /// 400: nobody is likely to read it.
    #[error(
        "The request body ended before it was whole; what was acknowledged is kept, send this part again."
    )]
    BodyBroken,
    /// 416.
    #[error("The file has {size_bytes} bytes; the range asks for none of them.")]
    RangeNotSatisfiable {
        /// The file's.
        size_bytes: u64,
    },
    /// 503. The source says why, for the log.
    #[error("The object store is not available; nothing acknowledged is lost, try again.")]
    StorageUnavailable(#[source] ObjectStoreError),
    /// 503. The source says why, for the log.
    #[error("The database is not available; nothing acknowledged is lost, try again.")]
    DatabaseUnavailable(#[source] StoreError),
    /// 500. The source says why, for the log.
    #[error("Something went wrong here; try again, and report the correlation id if it stays.")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// A 409 without further members.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::Conflict {
            detail: detail.into(),
            suggested_slug: None,
        }
    }

    /// A 500 with its cause.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The code of CONTRACT section 2.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::BadRequest(_) | Self::BodyBroken => ErrorCode::BadRequest,
            Self::Validation(_) => ErrorCode::ValidationError,
            Self::FileTooLarge { .. } => ErrorCode::FileTooLarge,
            Self::UnsupportedType { .. } => ErrorCode::UnsupportedMediaType,
            Self::FileCountExceeded { .. } => ErrorCode::FileCountExceeded,
            Self::InvalidPartNumber { .. } => ErrorCode::InvalidPartNumber,
            Self::PartSizeMismatch { .. } => ErrorCode::PartSizeMismatch,
            Self::PartCountMismatch { .. } | Self::WrongPartCount { .. } => {
                ErrorCode::PartCountMismatch
            }
            Self::InvalidPart { .. } => ErrorCode::InvalidPart,
            Self::ChecksumMismatch(_) => ErrorCode::ChecksumMismatch,
            Self::ContentTypeMismatch { .. } => ErrorCode::ContentTypeMismatch,
            Self::FilesIncomplete { .. } => ErrorCode::FilesIncomplete,
            Self::SessionNotActive { .. } => ErrorCode::SessionNotActive,
            Self::SessionExpired { .. } => ErrorCode::SessionExpired,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::DuplicateFile(_) => ErrorCode::DuplicateFile,
            Self::DailyLimit { .. } => ErrorCode::TooManyRequests,
            Self::RequestTimeout => ErrorCode::RequestTimeout,
            Self::RangeNotSatisfiable { .. } => ErrorCode::RangeNotSatisfiable,
            Self::StorageUnavailable(_) => ErrorCode::StorageUnavailable,
            Self::DatabaseUnavailable(_) => ErrorCode::DatabaseUnavailable,
            Self::Internal(_) => ErrorCode::InternalError,
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::DatabaseUnavailable(error),
            StoreError::Internal(_) => Self::internal(error),
        }
    }
}

impl From<ObjectStoreError> for Error {
    fn from(error: ObjectStoreError) -> Self {
        match error {
            ObjectStoreError::Unavailable(_) => Self::StorageUnavailable(error),
            ObjectStoreError::Internal(_) => Self::internal(error),
        }
    }
}

fn validation_detail(errors: &[FieldError]) -> String {
    match errors {
        [one] if one.pointer.is_empty() => one.message.clone(),
        [one] => format!("{}: {}", one.pointer, one.message),
        _ => format!("{} fields are not valid; see errors.", errors.len()),
    }
}

fn received(bytes: Option<u64>) -> String {
    bytes.map_or_else(String::new, |bytes| format!(", not {bytes}"))
}

fn part_count_detail(missing: &[u32], unexpected: &[u32]) -> String {
    let mut detail = String::new();
    if !missing.is_empty() {
        let count = counted(missing.len(), "is", "are");
        detail.push_str(&format!("; {count} missing"));
    }
    if !unexpected.is_empty() {
        let count = counted(unexpected.len(), "does", "do");
        detail.push_str(&format!("; {count} not belong to it or came twice"));
    }
    detail
}

/// `1 part`, `2 parts`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_two_are_two() {
        let files = |count: u128| {
            let incomplete = (0..count).map(|n| FileId(uuid::Uuid::from_u128(n)));
            let error = Error::FilesIncomplete {
                incomplete: incomplete.collect(),
            };
            error.to_string()
        };
        assert!(
            files(1).starts_with("1 registered file is "),
            "{}",
            files(1)
        );
        assert!(
            files(2).starts_with("2 registered files are "),
            "{}",
            files(2)
        );
    }
}
