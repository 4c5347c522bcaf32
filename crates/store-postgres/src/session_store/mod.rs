//! The port, a file per group of methods.

mod complete_file;
mod create_session;
mod end_session;
mod finalize_session;
mod housekeeping;
mod list_sessions;
mod read_session;
mod record_part;
mod register_files;
mod restart_upload;

use std::time::Duration;

use async_trait::async_trait;
use moc_uploads_core::error::ErrorCode;
use moc_uploads_core::finalize::NewMoc;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{
    Activity, BeginFinalizeOutcome, CancelSessionOutcome, CommitFinalizeOutcome, CompleteFile,
    CompleteFileOutcome, CreateSessionOutcome, DeclaredSession, EndedSession, FileInSession,
    FileWithParts, NewSession, OwnedKeys, PartTarget, RecordHeldParts, RecordPart,
    RecordPartOutcome, RegisterFileOutcome, RegisterFiles, RestartUpload, SessionDetail,
    SessionPage, SessionQuery, SessionStore, StoreError,
};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::Session;
use moc_uploads_core::time::Timestamp;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

use crate::decode;
use crate::error::Error;
use crate::{PostgresStore, TimeSource};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        let asked_at = self.clock.local_now();
        let database_time = housekeeping::ping(&self.db).await?;
        self.clock.heard(asked_at, database_time);
        Ok(())
    }

    async fn create_session(
        &self,
        session: NewSession,
    ) -> Result<CreateSessionOutcome, StoreError> {
        let now = self.now(session.created_at);
        Ok(create_session::create_session(&self.db, &session, now).await?)
    }

    async fn declared_session(
        &self,
        session_id: SessionId,
    ) -> Result<Option<DeclaredSession>, StoreError> {
        Ok(read_session::declared_session(&self.db, session_id).await?)
    }

    async fn session_detail(
        &self,
        session_id: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        Ok(read_session::session_detail(&self.db, session_id).await?)
    }

    async fn list_sessions(&self, query: SessionQuery) -> Result<SessionPage, StoreError> {
        Ok(list_sessions::list_sessions(&self.db, &query).await?)
    }

    async fn cancel_session(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        finalize_lock_ttl: Duration,
    ) -> Result<CancelSessionOutcome, StoreError> {
        let now = self.now(now);
        let cancel =
            end_session::cancel_session(&self.db, session_id, user_id, now, finalize_lock_ttl);
        Ok(cancel.await?)
    }

    async fn register_files(
        &self,
        register: RegisterFiles,
    ) -> Result<Activity<Vec<RegisterFileOutcome>>, StoreError> {
        let now = self.now(register.now);
        Ok(register_files::register_files(&self.db, &register, now).await?)
    }

    async fn file(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileInSession>, StoreError> {
        Ok(read_session::file(&self.db, session_id, file_id).await?)
    }

    async fn part_target(
        &self,
        session_id: SessionId,
        file_id: FileId,
        part_number: u32,
    ) -> Result<Option<PartTarget>, StoreError> {
        let target = read_session::part_target(&self.db, session_id, file_id, part_number);
        Ok(target.await?)
    }

    async fn file_with_parts(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileWithParts>, StoreError> {
        Ok(read_session::file_with_parts(&self.db, session_id, file_id).await?)
    }

    async fn record_part(
        &self,
        part: RecordPart,
    ) -> Result<Activity<RecordPartOutcome>, StoreError> {
        let now = self.now(part.now);
        Ok(record_part::record_part(&self.db, &part, now).await?)
    }

    async fn record_held_parts(
        &self,
        parts: RecordHeldParts,
    ) -> Result<Activity<RecordPartOutcome>, StoreError> {
        let now = self.now(parts.now);
        Ok(record_part::record_held_parts(&self.db, &parts, now).await?)
    }

    async fn restart_upload(&self, restart: RestartUpload) -> Result<bool, StoreError> {
        let now = self.now(restart.now);
        Ok(restart_upload::restart_upload(&self.db, restart, now).await?)
    }

    async fn complete_file(
        &self,
        complete: CompleteFile,
    ) -> Result<Activity<CompleteFileOutcome>, StoreError> {
        let now = self.now(complete.now);
        Ok(complete_file::complete_file(&self.db, complete, now).await?)
    }

    async fn begin_finalize(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        lock_ttl: Duration,
        lease: Duration,
    ) -> Result<BeginFinalizeOutcome, StoreError> {
        let begin = finalize_session::BeginFinalize {
            session_id,
            user_id,
            locked_at: now,
            now: self.now(now),
            lock_ttl,
            lease,
        };
        Ok(finalize_session::begin_finalize(&self.db, begin).await?)
    }

    async fn renew_finalize(
        &self,
        locks: &[(SessionId, Timestamp)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let now = self.now(now);
        Ok(finalize_session::renew_finalize(&self.db, locks, now, lease).await?)
    }

    async fn commit_finalize(
        &self,
        moc: NewMoc,
        locked_at: Timestamp,
    ) -> Result<CommitFinalizeOutcome, StoreError> {
        Ok(finalize_session::commit_finalize(&self.db, moc, locked_at).await?)
    }

    async fn release_finalize(
        &self,
        session_id: SessionId,
        locked_at: Timestamp,
        refusal: Option<ErrorCode>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now(now);
        let release =
            finalize_session::release_finalize(&self.db, session_id, locked_at, refusal, now);
        Ok(release.await?)
    }

    async fn expire_sessions(
        &self,
        now: Timestamp,
        finalize_lock_ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let now = self.now(now);
        Ok(end_session::expire_sessions(&self.db, now, finalize_lock_ttl, limit).await?)
    }

    async fn sessions_to_free(
        &self,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<EndedSession>, StoreError> {
        Ok(end_session::sessions_to_free(&self.db, after, limit).await?)
    }

    async fn database_id(&self) -> Result<String, StoreError> {
        Ok(housekeeping::database_id(&self.db).await?)
    }

    async fn mark_session_freed(
        &self,
        session_id: SessionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now(now);
        Ok(end_session::mark_session_freed(&self.db, session_id, now).await?)
    }

    async fn sessions_to_recheck(
        &self,
        freed_before: Timestamp,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<EndedSession>, StoreError> {
        Ok(end_session::sessions_to_recheck(&self.db, freed_before, after, limit).await?)
    }

    async fn mark_session_rechecked(
        &self,
        session_id: SessionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = self.now(now);
        Ok(end_session::mark_session_rechecked(&self.db, session_id, now).await?)
    }

    async fn prune(&self, before: Timestamp) -> Result<(), StoreError> {
        Ok(housekeeping::prune(&self.db, before).await?)
    }

    async fn owned_keys(&self, keys: &[ObjectKey]) -> Result<OwnedKeys, StoreError> {
        Ok(housekeeping::owned_keys(&self.db, keys).await?)
    }
}

impl PostgresStore {
    /// What a statement is given as its now; without one it takes the server's.
    fn now(&self, now: Timestamp) -> Option<OffsetDateTime> {
        match self.time {
            TimeSource::Database => None,
            TimeSource::Caller => Some(now.to_datetime()),
        }
    }
}

/// The column that says how a statement judged the session, after the session's own.
const STATE: usize = decode::SESSION_COLUMNS;

/// A state that a query does not have.
fn unknown_state(state: &str) -> Error {
    decode::unreadable(STATE, format!("unknown state {state:?}"))
}

/// What activity found, from `session, state, old_expires_at, new_expires_at, ...`. `outcome`
/// knows the states in which something came of it.
fn activity<T>(
    row: Option<PgRow>,
    outcome: impl FnOnce(&PgRow, &str) -> Result<T, Error>,
) -> Result<Activity<T>, Error> {
    let Some(row) = row else {
        return Ok(Activity::SessionClosed(None));
    };
    Ok(match decode::text(&row, STATE)? {
        "closed" => Activity::SessionClosed(Some(decode::session(&row)?)),
        "finalizing" => Activity::Finalizing,
        state => Activity::Done {
            outcome: outcome(&row, state)?,
            extension: decode::extension(&row, STATE + 1)?,
        },
    })
}
