//! What the steps of the session store take, and what they come to.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::error::Duplicate;
use crate::file::{FileMetadata, UploadFile};
use crate::finalize::Moc;
use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::part::{ETag, Part, PartReceipt};
use crate::ports::{Upload, UploadId};
use crate::principal::UserId;
use crate::session::{Extension, ExtensionRule, Session, SessionStatus, SessionSummary};
use crate::time::Timestamp;

/// A session to be created.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Its owner.
    pub user_id: UserId,
    /// What it declares, in order.
    pub files: Vec<FileMetadata>,
    /// Bytes.
    pub part_size_bytes: u64,
    /// Now.
    pub created_at: Timestamp,
    /// When it expires unless it is used.
    pub expires_at: Timestamp,
    /// Sessions per user and UTC day; `None` for no limit.
    pub daily_limit: Option<u32>,
    /// Whether files that the user has already are let in.
    pub allow_duplicates: bool,
    /// To answer a repeated request with the first answer.
    pub idempotency: Option<Idempotency>,
}

/// A request's `Idempotency-Key` (CONTRACT section 1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key, unique per user.
    pub key: String,
    /// A digest of the request's body.
    pub fingerprint: String,
    /// Keys older than this are forgotten.
    pub valid_since: Timestamp,
}

/// How creating went. In this order: replay, duplicates, limit, insert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateSessionOutcome {
    /// Created and counted.
    Created,
    /// The same request was answered before, with this.
    Replayed {
        /// The session of the first answer.
        session_id: SessionId,
        /// As it was in the first answer.
        part_size_bytes: u64,
        /// As it was in the first answer.
        expires_at: Timestamp,
    },
    /// The idempotency key was used with another body.
    IdempotencyKeyReused,
    /// The user has some of the files already; all of these.
    Duplicates(Vec<Duplicate>),
    /// The user has used up the day.
    DailyLimitReached,
}

/// A session and what was declared at its creation, in order; `None` for a session without a
/// declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredSession {
    /// The session.
    pub session: Session,
    /// The declaration.
    pub declared: Option<Vec<FileMetadata>>,
    /// Files registered so far.
    pub registered_count: usize,
}

/// A session with its files and what has arrived (CONTRACT section 1.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionDetail {
    /// The sums.
    pub summary: SessionSummary,
    /// Its files in the order of their registration.
    pub files: Vec<FileProgress>,
}

/// A file and what has arrived of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProgress {
    /// The file.
    pub file: UploadFile,
    /// Recorded parts.
    pub parts_received: u32,
    /// Their bytes.
    pub bytes_received: u64,
}

/// Which sessions to list.
#[derive(Debug, Clone)]
pub struct SessionQuery {
    /// Whose.
    pub user_id: UserId,
    /// Only these, as they are at `now`.
    pub status: Option<SessionStatus>,
    /// Now.
    pub now: Timestamp,
    /// At most.
    pub limit: u32,
    /// Skipping.
    pub offset: u64,
}

/// A page of sessions, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// The page.
    pub sessions: Vec<SessionSummary>,
    /// All that match.
    pub total: u64,
}

/// A file of a session, when both exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInSession {
    /// The session.
    pub session: Session,
    /// The file; `None` when the session has no such file.
    pub file: Option<UploadFile>,
}

/// What an upload of a part needs to know before the first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartTarget {
    /// Session and file.
    pub target: FileInSession,
    /// Whether a part of this number is recorded.
    pub is_recorded: bool,
}

/// A file with its recorded parts, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWithParts {
    /// Session and file.
    pub target: FileInSession,
    /// Its parts.
    pub parts: Vec<Part>,
}

/// A file to be registered; its multipart upload exists.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Its id.
    pub id: FileId,
    /// As it was declared.
    pub metadata: FileMetadata,
    /// Its upload.
    pub upload: Upload,
}

/// Files to be registered in one step, each by itself: one that is refused does not undo another.
#[derive(Debug, Clone)]
pub struct RegisterFiles {
    /// The session.
    pub session_id: SessionId,
    /// In order: of two with one key the first wins.
    pub files: Vec<NewFile>,
    /// Files per session; `None` where nothing was declared.
    pub max_file_count: Option<usize>,
    /// Now.
    pub now: Timestamp,
    /// Registering is activity.
    pub extension: ExtensionRule,
    /// A finalize lock older than this is stale.
    pub finalize_lock_ttl: Duration,
}

/// How registering a file went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegisterFileOutcome {
    /// It is in the session.
    Registered,
    /// The session has a file with this key.
    KeyTaken,
    /// The session has as many files as were declared.
    FileCountExceeded,
}

/// What activity on a session found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activity<T> {
    /// It was recorded, and the session perhaps extended.
    Done {
        /// What came of it.
        outcome: T,
        /// The extension that this activity caused.
        extension: Option<Extension>,
    },
    /// The session takes nothing any more (this is its state now) or is no more; nothing happened.
    SessionClosed(Option<Session>),
    /// The session is being finalized; nothing happened.
    Finalizing,
}

/// A part whose bytes are stored.
#[derive(Debug, Clone)]
pub struct RecordPart {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub file_id: FileId,
    /// Where the bytes are.
    pub upload_id: UploadId,
    /// From 1.
    pub part_number: u32,
    /// The store's.
    pub etag: ETag,
    /// Bytes.
    pub size_bytes: u64,
    /// Now.
    pub now: Timestamp,
    /// Uploading is activity.
    pub extension: ExtensionRule,
}

/// Parts that the object store holds, to be recorded as it holds them.
#[derive(Debug, Clone)]
pub struct RecordHeldParts {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub file_id: FileId,
    /// Which upload holds them.
    pub upload_id: UploadId,
    /// Each number once.
    pub parts: Vec<HeldPart>,
    /// Now.
    pub now: Timestamp,
}

/// A part that the object store holds otherwise than it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldPart {
    /// As the store holds it.
    pub part: Part,
    /// As it was recorded when the store was asked, `None` when it was not. A record that is another
    /// by now is newer than what the store said, and stays.
    pub recorded: Option<ETag>,
}

/// A file whose upload is no more, to be begun anew.
#[derive(Debug, Clone)]
pub struct RestartUpload {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub file_id: FileId,
    /// The upload that is no more.
    pub from: UploadId,
    /// The one that takes its place.
    pub to: UploadId,
    /// Now.
    pub now: Timestamp,
}

/// How recording a part went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordPartOutcome {
    /// It counts from now on.
    Recorded,
    /// The file was completed meanwhile; the part does not count.
    FileCompleted,
    /// The file is no more.
    NoSuchFile,
    /// The file has another upload by now, which does not hold the part.
    NoSuchUpload,
}

/// A file whose object is there.
#[derive(Debug, Clone)]
pub struct CompleteFile {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub file_id: FileId,
    /// Of the object.
    pub etag: ETag,
    /// What it was joined from. A part that was recorded with another etag meanwhile came too late:
    /// its record is put back.
    pub parts: Vec<PartReceipt>,
    /// Where it can be had.
    pub file_url: String,
    /// Now.
    pub now: Timestamp,
    /// Completing is activity.
    pub extension: ExtensionRule,
}

/// How completing a file went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompleteFileOutcome {
    /// By this call.
    Completed,
    /// By an earlier one.
    AlreadyCompleted,
    /// The file is no more.
    NoSuchFile,
}

/// How cancelling went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CancelSessionOutcome {
    /// By this call; what it holds is to be freed.
    Cancelled(EndedSession),
    /// It was cancelled or had expired before.
    AlreadyEnded,
    /// It is finalized.
    Completed,
    /// It is being finalized.
    Finalizing,
    /// No such session of this user.
    NoSuchSession,
}

/// A session that ended without a MOC, and what it may hold in the object store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// The session.
    pub session: Session,
    /// Of all its files, completed or not.
    pub uploads: Vec<Upload>,
}

/// How taking the finalize lock went (CONTRACT section 1.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeginFinalizeOutcome {
    /// The lock is ours; these are the session's files in the order of their registration.
    Locked {
        /// The session.
        session: Session,
        /// Its files.
        files: Vec<UploadFile>,
    },
    /// Finalized before, with this MOC.
    AlreadyFinalized(Box<Moc>),
    /// Somebody else holds the lock.
    InProgress,
    /// The session takes nothing any more: expired or cancelled.
    SessionClosed(Session),
    /// No such session of this user.
    NoSuchSession,
}

/// How creating the MOC went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitFinalizeOutcome {
    /// The MOC, with the slug that it got.
    Created(Box<Moc>),
    /// The user has a MOC of this title. The lock is released.
    TitleTaken {
        /// A slug that is free.
        suggested_slug: String,
    },
    /// The lock went stale and somebody else took it, or the session was closed.
    LockLost,
}

/// Which object keys are in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnedKeys {
    /// Of files that are being uploaded, and by which upload.
    pub uploading: HashMap<ObjectKey, UploadId>,
    /// Of completed files and of MOCs.
    pub completed: HashSet<ObjectKey>,
}
