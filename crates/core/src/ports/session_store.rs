//! The session store: sessions, files, parts, limits and MOC records.
//!
//! Methods that are activity take `now` and an [`ExtensionRule`]: recording and extending are one
//! step. Expiry is judged inside the step, too.

use std::time::Duration;

use async_trait::async_trait;

use super::session_steps::*;
use crate::error::ErrorCode;
use crate::finalize::NewMoc;
use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::principal::UserId;
use crate::session::Session;
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

    /// As [`Self::file_with_parts`], for who goes on to complete the file: the parts of one that is not
    /// completed may be of a commit that is under way. What is recorded after this comes after it.
    async fn completion_target(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileWithParts>, StoreError> {
        self.file_with_parts(session_id, file_id).await
    }

    /// Records a part, replacing an earlier one of the same number.
    async fn record_part(
        &self,
        part: RecordPart,
    ) -> Result<Activity<RecordPartOutcome>, StoreError>;

    /// Records parts as the object store holds them. It refuses what [`SessionStore::record_part`]
    /// refuses, but is no activity: nothing tells when they were uploaded.
    async fn record_held_parts(
        &self,
        parts: RecordHeldParts,
    ) -> Result<Activity<RecordPartOutcome>, StoreError>;

    /// Gives a file another upload, and forgets its parts. `false`, and nothing happened, unless
    /// the file is uncompleted, its session active and its upload the one that is no more.
    async fn restart_upload(&self, restart: RestartUpload) -> Result<bool, StoreError>;

    /// Marks a file completed. A file that is completed in a session that is active or completed is
    /// [`CompleteFileOutcome::AlreadyCompleted`], whatever else is true.
    async fn complete_file(
        &self,
        complete: CompleteFile,
    ) -> Result<Activity<CompleteFileOutcome>, StoreError>;

    /// Takes the finalize lock as of `now`, which is its token, unless one newer than `lock_ttl` is
    /// held whose lease is not over. This one's lasts for `lease`; a lock that was put there by hand
    /// has none, and its age alone decides. Wherever a lock is "newer than" something below, an
    /// owner whose lease is over holds it no more.
    async fn begin_finalize(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        lock_ttl: Duration,
        lease: Duration,
    ) -> Result<BeginFinalizeOutcome, StoreError>;

    /// Of the locks, each named by its session and its token, those that are still held get a new
    /// lease from `now` on.
    async fn renew_finalize(
        &self,
        locks: &[(SessionId, Timestamp)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<(), StoreError>;

    /// Creates the MOC with its files and a slug that is free, and closes the session, under the
    /// lock taken at `locked_at`.
    async fn commit_finalize(
        &self,
        moc: NewMoc,
        locked_at: Timestamp,
    ) -> Result<CommitFinalizeOutcome, StoreError>;

    /// Gives back the lock taken at `locked_at`, if it is still held, and notes why finalizing was
    /// refused and when that was so for the first time.
    async fn release_finalize(
        &self,
        session_id: SessionId,
        locked_at: Timestamp,
        refusal: Option<ErrorCode>,
        now: Timestamp,
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

    /// Up to `limit` sessions whose storage was freed before `freed_before` and not looked at again
    /// since, by id, those after `after`.
    async fn sessions_to_recheck(
        &self,
        freed_before: Timestamp,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<EndedSession>, StoreError>;

    /// Notes that a freed session was looked at again.
    async fn mark_session_rechecked(
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
