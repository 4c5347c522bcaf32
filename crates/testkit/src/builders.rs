//! Things that tests are about, with everything else filled in.

use std::time::Duration;

use moc_uploads_core::file::{Category, FileHash, FileMetadata};
use moc_uploads_core::ids::{FileId, IdGenerator, MocId, SessionId, TimeOrderedIds};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{NewFile, NewSession, Upload, UploadId};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::ExtensionRule;
use moc_uploads_core::time::Timestamp;

use crate::clock::ManualClock;

/// 60 seconds.
pub const MINUTE: Duration = Duration::from_secs(60);

/// The default part size.
pub const PART_SIZE_BYTES: u64 = 5 * 1024 * 1024;

/// The default rule: under 10 minutes left, 30 more, at most 24 hours in all.
pub const EXTENSION: ExtensionRule = ExtensionRule {
    threshold: Duration::from_secs(10 * 60),
    ttl: Duration::from_secs(30 * 60),
    max_lifetime: Duration::from_secs(24 * 60 * 60),
};

/// A user that no other test has.
pub fn user(name: &str) -> UserId {
    UserId::new(format!("{name}-{}", new_uuid()))
}

/// A session id that was never given out before.
pub fn session_id() -> SessionId {
    SessionId(new_uuid())
}

/// A file id that was never given out before.
pub fn file_id() -> FileId {
    FileId(new_uuid())
}

/// A MOC id that was never given out before.
pub fn moc_id() -> MocId {
    MocId(new_uuid())
}

fn new_uuid() -> uuid::Uuid {
    TimeOrderedIds.new_id(ManualClock::START)
}

/// A file hash of 64 times this digit.
pub fn hash(digit: char) -> FileHash {
    FileHash::parse(&digit.to_string().repeat(64)).unwrap()
}

/// A PDF of `size_bytes`.
pub fn instruction(key: &str, size_bytes: u64) -> FileMetadata {
    FileMetadata {
        key: key.to_owned(),
        category: Category::Instruction,
        name: format!("{key}.pdf"),
        size_bytes,
        content_type: "application/pdf".to_owned(),
        ext: "pdf".to_owned(),
        hash: None,
    }
}

/// A JPEG of `size_bytes`.
pub fn image(key: &str, size_bytes: u64) -> FileMetadata {
    FileMetadata {
        category: Category::Image,
        name: format!("{key}.jpg"),
        content_type: "image/jpeg".to_owned(),
        ext: "jpg".to_owned(),
        ..instruction(key, size_bytes)
    }
}

/// `file` with this hash.
pub fn with_hash(file: FileMetadata, hash: FileHash) -> FileMetadata {
    FileMetadata {
        hash: Some(hash),
        ..file
    }
}

/// A session of `user_id` with these files, made at `now`, which lasts 15 minutes and counts
/// against no limit.
pub fn new_session(user_id: &UserId, files: Vec<FileMetadata>, now: Timestamp) -> NewSession {
    NewSession {
        id: session_id(),
        user_id: user_id.clone(),
        files,
        part_size_bytes: PART_SIZE_BYTES,
        created_at: now,
        expires_at: now + 15 * MINUTE,
        daily_limit: None,
        allow_duplicates: false,
        idempotency: None,
    }
}

/// A file to be registered in a session of this user, with an upload of its own.
pub fn new_file(user_id: &UserId, session_id: SessionId, metadata: FileMetadata) -> NewFile {
    let id = file_id();
    NewFile {
        id,
        upload: Upload {
            key: ObjectKey::for_file("test", user_id, session_id, id, &metadata),
            id: UploadId(format!("upload-{id}")),
        },
        metadata,
    }
}
