//! What each code means: its status, and what `/problems/<slug>` says about it.

use http::StatusCode;
use moc_uploads_core::ErrorCode;

/// What is known about a code.
pub(crate) struct Entry {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    /// What it means and how to go on.
    pub(crate) explanation: &'static str,
}

/// The last segment of the code's `type`: `SESSION_EXPIRED` is `session-expired`.
pub(crate) fn slug(code: ErrorCode) -> String {
    code.as_str().to_ascii_lowercase().replace('_', "-")
}

/// CONTRACT section 2.
pub(crate) fn entry(code: ErrorCode) -> Entry {
    use ErrorCode as Code;
    let (status, title, explanation) = match code {
        Code::BadRequest => (
            400,
            "The request can't be understood",
            "The body is missing or is no JSON, a header can't be read, a session has no instruction file, or a file was not declared when the session was created. The detail says which. Correct the request and send it again.",
        ),
        Code::FileCountExceeded => (
            400,
            "Too many files",
            "A session takes a limited number of images and parts lists, and no more files than were declared when it was created. Leave some out, or open another session for them.",
        ),
        Code::InvalidPartNumber => (
            400,
            "The file has no such part",
            "Parts are numbered from 1, and registering the file answered its partCount. The member validRange has the first and the last number.",
        ),
        Code::InvalidPart => (
            400,
            "A part's etag is wrong",
            "The etag is not that of the part that was received last. List the file's parts, use the etags that you find there, and complete again.",
        ),
        Code::PartSizeMismatch => (
            400,
            "The part has the wrong size",
            "Every part but the last has exactly partSizeBytes, and the last has the rest. The member expectedSize says what this part must have. Cut the file accordingly and send the part again.",
        ),
        Code::PartCountMismatch => (
            400,
            "The parts are not all there",
            "The request does not name every part of the file exactly once, or some have not arrived. The member expected says how many there are, missing which ones are not there. Send those and complete again. When a file is registered: its partCount is not the one that follows from its size and the session's partSizeBytes; send the expected one, or none.",
        ),
        Code::ChecksumMismatch => (
            400,
            "The bytes do not have the declared digest",
            "What arrived is not what was announced: bytes were changed on the way, or the digest is that of another file. Send the part again; for a whole file, the parts that differ.",
        ),
        Code::ContentTypeMismatch => (
            400,
            "A file is not of its declared type",
            "The first bytes of a file are not of the type that it was declared with. Cancel the session and upload the file as what it is.",
        ),
        Code::FilesIncomplete => (
            400,
            "Some files are not completed",
            "A session can be finalized when every registered file is completed. The member incomplete has the ids of those that are not. Send their parts, complete them, and finalize again.",
        ),
        Code::SessionNotActive => (
            400,
            "The session is closed",
            "The session is finalized or cancelled and takes nothing any more. Open a new one.",
        ),
        Code::Unauthorized => (
            401,
            "You did not say who you are",
            "The request has no valid token. Send the header Authorization: Bearer with a token that has not expired; the detail says what is wrong with this one.",
        ),
        Code::Forbidden => (
            403,
            "This is not for you",
            "The presigned URL is not valid or no longer valid (the part can still be sent to the same path with the bearer token), or the operation is for administrators. A server without tokens, for development, takes requests from its own machine only: the headers Host and Origin have to name that, or an origin of CORS_ALLOWED_ORIGINS. The detail says which it is.",
        ),
        Code::NotFound => (
            404,
            "There is no such thing",
            "There is nothing at this address, or it is not yours. Check the ids: sessions and files of other users look as if they did not exist.",
        ),
        Code::MethodNotAllowed => (
            405,
            "The method is not allowed here",
            "The address exists, but not with this method. The header Allow has those that do.",
        ),
        Code::RequestTimeout => (
            408,
            "The request took too long to arrive",
            "The body made no progress for too long. What was acknowledged before is kept; send the request again.",
        ),
        Code::LengthRequired => (
            411,
            "The length is missing",
            "Say how long the part is with the header Content-Length, or send it chunked.",
        ),
        Code::UnsupportedMediaType => (
            415,
            "The type is not allowed",
            "The file's type is not one that its category takes; the member allowedTypes has those. Or the request's body is not declared as JSON: send Content-Type: application/json.",
        ),
        Code::Conflict => (
            409,
            "Something is in the way",
            "The key or title is taken, the file or session is in another state than the request needs, or somebody else is at it just now. The detail says which.",
        ),
        Code::DuplicateFile => (
            409,
            "You have uploaded this before",
            "A completed file of yours has the same size and hash. The member duplicates says where it is. Use that, or send the request with allowDuplicates set to true.",
        ),
        Code::SessionExpired => (
            410,
            "The session has expired",
            "A session that nobody uses expires, and none lives longer than its maximum. What it held is removed. Open a new session and upload again.",
        ),
        Code::FileTooLarge => (
            413,
            "The file is too large",
            "Each category has a largest size; the member maxBytes says which. Make the file smaller.",
        ),
        Code::PayloadTooLarge => (
            413,
            "The request body is too large",
            "A JSON body has a largest size; the member maxBytes says which. Send less at once.",
        ),
        Code::RangeNotSatisfiable => (
            416,
            "The range is outside the file",
            "The header Range asks for bytes that the file does not have. The header Content-Range has the file's size.",
        ),
        Code::ValidationError => (
            422,
            "Some fields are not valid",
            "The request is well-formed, but fields have values that can't be right. The member errors has a JSON pointer and a message for each of them.",
        ),
        Code::TooManyRequests => (
            429,
            "Enough for today",
            "A user may open a limited number of sessions a day (UTC). The member nextAllowedAt and the header Retry-After say when the next one is let in.",
        ),
        Code::InternalError => (
            500,
            "Something went wrong here",
            "It is not your fault. Try again; if it stays, report the correlation id, which leads to the cause in the server's log.",
        ),
        Code::StorageUnavailable => (
            503,
            "The object store does not answer",
            "The place where bytes are kept does not answer or is full. Nothing acknowledged is lost. Try again after the time in the header Retry-After.",
        ),
        Code::DatabaseUnavailable => (
            503,
            "The database does not answer",
            "The place where records are kept does not answer or is full. Nothing acknowledged is lost. Try again after the time in the header Retry-After.",
        ),
        Code::AuthUnavailable => (
            503,
            "Tokens can't be verified now",
            "The keys that tokens are verified with can't be fetched from the identity provider. Your token may be fine. Try again after the time in the header Retry-After.",
        ),
    };
    Entry {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        title,
        explanation,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_an_error_with_a_page_of_its_own() {
        let mut slugs = std::collections::HashSet::new();
        for &code in ErrorCode::ALL {
            let status = entry(code).status;
            assert!(status.is_client_error() || status.is_server_error());
            assert_eq!(status == 500, code == ErrorCode::InternalError, "{code}");
            assert!(slugs.insert(slug(code)));
        }
        assert!(slugs.contains("session-expired"));
    }
}
