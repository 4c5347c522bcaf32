//! The session store: sessions, files, parts, limits and MOC records.
//!
//! Methods that are activity take `now` and an [`ExtensionRule`]: recording and extending are one
//! step. Expiry is judged inside the step, too.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::Duplicate;
use crate::file::{FileMetadata, UploadFile};
use crate::finalize::{Moc, NewMoc};
use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::part::{ETag, Part, PartReceipt};
use crate::ports::{Upload, UploadId};
use crate::principal::UserId;
use crate::session::{Extension, ExtensionRule, Session, SessionStatus, SessionSummary};
use crate::time::Timestamp;

/// Why the database failed. Details are for the log, never for clients.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer, is busy or has no space left: worth another try.
    #[error("database unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else.
    #[error("database failed: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

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

/// How recording a part went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordPartOutcome {
    /// It counts from now on.
    Recorded,
    /// The file was completed meanwhile; the part does not count.
    FileCompleted,
    /// The file is no more.
    NoSuchFile,
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

/// Where sessions are kept.
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// Whether it answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Creates a session: replay, duplicates, daily limit and insert in one step. Only a session
    /// that is really created counts (CONTRACT sections 1.1 and 1.2).
    async fn create_session(&self, session: NewSession)
    -> Result<CreateSessionOutcome, StoreError>;

    /// A session with its declaration.
    async fn declared_session(
        &self,
        session_id: SessionId,
    ) -> Result<Option<DeclaredSession>, StoreError>;

    /// A session with its files and what has arrived.
    async fn session_detail(
        &self,
        session_id: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError>;

    /// A user's sessions, newest first.
    async fn list_sessions(&self, query: SessionQuery) -> Result<SessionPage, StoreError>;

    /// Marks a session cancelled, unless it is finalized or being finalized with a lock newer than
    /// `finalize_lock_ttl`.
    async fn cancel_session(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        finalize_lock_ttl: Duration,
    ) -> Result<CancelSessionOutcome, StoreError>;

    /// Registers files; an outcome each, in order. Refused while the session is being finalized.
    /// Extends the session when at least one was registered.
    async fn register_files(
        &self,
        register: RegisterFiles,
    ) -> Result<Activity<Vec<RegisterFileOutcome>>, StoreError>;

    /// A file of a session.
    async fn file(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileInSession>, StoreError>;

    /// A file of a session, and whether it has a part.
    async fn part_target(
        &self,
        session_id: SessionId,
        file_id: FileId,
        part_number: u32,
    ) -> Result<Option<PartTarget>, StoreError>;

    /// A file of a session with its parts.
    async fn file_with_parts(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileWithParts>, StoreError>;

    /// Records a part, replacing an earlier one of the same number.
    async fn record_part(
        &self,
        part: RecordPart,
    ) -> Result<Activity<RecordPartOutcome>, StoreError>;

    /// Marks a file completed. A file that is completed in a session that is active or completed is
    /// [`CompleteFileOutcome::AlreadyCompleted`], whatever else is true.
    async fn complete_file(
        &self,
        complete: CompleteFile,
    ) -> Result<Activity<CompleteFileOutcome>, StoreError>;

    /// Takes the finalize lock as of `now`, which is its token, unless one newer than `lock_ttl` is
    /// held.
    async fn begin_finalize(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        lock_ttl: Duration,
    ) -> Result<BeginFinalizeOutcome, StoreError>;

    /// Creates the MOC with its files and a slug that is free, and closes the session, under the
    /// lock taken at `locked_at`.
    async fn commit_finalize(
        &self,
        moc: NewMoc,
        locked_at: Timestamp,
    ) -> Result<CommitFinalizeOutcome, StoreError>;

    /// Gives back the lock taken at `locked_at`, if it is still held.
    async fn release_finalize(
        &self,
        session_id: SessionId,
        locked_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Marks up to `limit` active sessions past their expiry as expired, but none that is being
    /// finalized with a lock newer than `finalize_lock_ttl`. Safe on several replicas at once: each
    /// session is returned to one of them.
    async fn expire_sessions(
        &self,
        now: Timestamp,
        finalize_lock_ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError>;

    /// Up to `limit` expired and cancelled sessions whose storage was not freed, by id, those after
    /// `after`.
    async fn sessions_to_free(
        &self,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<EndedSession>, StoreError>;

    /// The id of this database, made with it.
    async fn database_id(&self) -> Result<String, StoreError>;

    /// Notes that an ended session holds nothing any more: its files are `failed`, their URLs
    /// gone, its parts forgotten.
    async fn mark_session_freed(
        &self,
        session_id: SessionId,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Forgets idempotency keys made before `before` and daily counts of days before it.
    async fn prune(&self, before: Timestamp) -> Result<(), StoreError>;

    /// Of these object keys, those that a file of an active or completed session owns, or a file
    /// of a MOC.
    async fn owned_keys(&self, keys: &[ObjectKey]) -> Result<OwnedKeys, StoreError>;
}

/// Which object keys are in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnedKeys {
    /// Of files that are being uploaded.
    pub uploading: HashSet<ObjectKey>,
    /// Of completed files and of MOCs.
    pub completed: HashSet<ObjectKey>,
}

/// The upload of a file, where it has one.
pub fn upload_of(object_key: Option<&ObjectKey>, upload_id: Option<&UploadId>) -> Option<Upload> {
    Some(Upload {
        key: object_key?.clone(),
        id: upload_id?.clone(),
    })
}
