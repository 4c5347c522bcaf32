//! The codes by which clients tell refusals apart.

use std::fmt;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// The codes of CONTRACT section 2. Append only: clients switch on them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

error_codes! {
    /// Missing or broken JSON, no instruction file, undeclared file.
    BadRequest => "BAD_REQUEST",
    /// Too many files.
    FileCountExceeded => "FILE_COUNT_EXCEEDED",
    /// No such part in the file.
    InvalidPartNumber => "INVALID_PART_NUMBER",
    /// A wrong ETag.
    InvalidPart => "INVALID_PART",
    /// A part has not the size that the plan says.
    PartSizeMismatch => "PART_SIZE_MISMATCH",
    /// Missing or extra parts.
    PartCountMismatch => "PART_COUNT_MISMATCH",
    /// Bytes do not have the digest that was declared.
    ChecksumMismatch => "CHECKSUM_MISMATCH",
    /// Bytes are not of the type that was declared.
    ContentTypeMismatch => "CONTENT_TYPE_MISMATCH",
    /// Registered files are incomplete.
    FilesIncomplete => "FILES_INCOMPLETE",
    /// The session is completed or cancelled.
    SessionNotActive => "SESSION_NOT_ACTIVE",
    /// No valid token.
    Unauthorized => "UNAUTHORIZED",
    /// Not for this caller.
    Forbidden => "FORBIDDEN",
    /// No such thing, or somebody else's.
    NotFound => "NOT_FOUND",
    /// The path exists, the method does not.
    MethodNotAllowed => "METHOD_NOT_ALLOWED",
    /// The client stopped sending.
    RequestTimeout => "REQUEST_TIMEOUT",
    /// A body without a length.
    LengthRequired => "LENGTH_REQUIRED",
    /// A type that is not allowed.
    UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
    /// Something is in the way: a key or title that is taken, a file that is completed.
    Conflict => "CONFLICT",
    /// The user has this file already.
    DuplicateFile => "DUPLICATE_FILE",
    /// The session's time is over.
    SessionExpired => "SESSION_EXPIRED",
    /// A file over its category's limit.
    FileTooLarge => "FILE_TOO_LARGE",
    /// A request body over the limit.
    PayloadTooLarge => "PAYLOAD_TOO_LARGE",
    /// A range outside the file.
    RangeNotSatisfiable => "RANGE_NOT_SATISFIABLE",
    /// Fields that can't be right.
    ValidationError => "VALIDATION_ERROR",
    /// The daily limit.
    TooManyRequests => "TOO_MANY_REQUESTS",
    /// Our fault.
    InternalError => "INTERNAL_ERROR",
    /// The object store does not answer.
    StorageUnavailable => "STORAGE_UNAVAILABLE",
    /// The database does not answer.
    DatabaseUnavailable => "DATABASE_UNAVAILABLE",
    /// The keys that tokens are verified with can't be had.
    AuthUnavailable => "AUTH_UNAVAILABLE",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
