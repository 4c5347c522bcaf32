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
use moc_uploads_core::session::{Extension, ExtensionRule, Session};
use moc_uploads_core::time::Timestamp;

use self::read_session::SessionRow;
use crate::SqliteStore;
use crate::error::Error;
use crate::recent::Recent;
use crate::sql::{self, Db};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.read(housekeeping::ping).await
    }

    async fn create_session(
        &self,
        session: NewSession,
    ) -> Result<CreateSessionOutcome, StoreError> {
        self.write_noted(
            session,
            create_session::create_session,
            Recent::note_created,
        )
        .await
    }

    async fn declared_session(
        &self,
        session_id: SessionId,
    ) -> Result<Option<DeclaredSession>, StoreError> {
        if let Some(found) = self.recent.declared_session(session_id) {
            return Ok(Some(found));
        }
        self.read(move |db| read_session::declared_session(db, session_id))
            .await
    }

    async fn session_detail(
        &self,
        session_id: SessionId,
    ) -> Result<Option<SessionDetail>, StoreError> {
        self.read(move |db| read_session::session_detail(db, session_id))
            .await
    }

    async fn list_sessions(&self, query: SessionQuery) -> Result<SessionPage, StoreError> {
        self.read(move |db| list_sessions::list_sessions(db, &query))
            .await
    }

    async fn cancel_session(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        finalize_lock_ttl: Duration,
    ) -> Result<CancelSessionOutcome, StoreError> {
        let user_id = user_id.clone();
        let cancel = move |db: &Db<'_>| {
            end_session::cancel_session(db, session_id, &user_id, now, finalize_lock_ttl)
        };
        self.write_forgetting(session_id, cancel).await
    }

    async fn register_files(
        &self,
        register: RegisterFiles,
    ) -> Result<Activity<Vec<RegisterFileOutcome>>, StoreError> {
        self.write_noted(
            register,
            register_files::register_files,
            Recent::note_registered,
        )
        .await
    }

    async fn file(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileInSession>, StoreError> {
        self.read(move |db| read_session::file(db, session_id, file_id))
            .await
    }

    async fn part_target(
        &self,
        session_id: SessionId,
        file_id: FileId,
        part_number: u32,
    ) -> Result<Option<PartTarget>, StoreError> {
        if let Some(found) = self.recent.part_target(session_id, file_id, part_number) {
            return Ok(Some(found));
        }
        self.read(move |db| read_session::part_target(db, session_id, file_id, part_number))
            .await
    }

    async fn file_with_parts(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileWithParts>, StoreError> {
        self.read(move |db| read_session::file_with_parts(db, session_id, file_id))
            .await
    }

    async fn completion_target(
        &self,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Option<FileWithParts>, StoreError> {
        if let Some(found) = self.recent.file_with_parts(session_id, file_id) {
            return Ok(Some(found));
        }
        self.file_with_parts(session_id, file_id).await
    }

    async fn record_part(
        &self,
        part: RecordPart,
    ) -> Result<Activity<RecordPartOutcome>, StoreError> {
        self.write_noted(part, record_part::record_part, Recent::note_recorded)
            .await
    }

    async fn record_held_parts(
        &self,
        parts: RecordHeldParts,
    ) -> Result<Activity<RecordPartOutcome>, StoreError> {
        self.write_forgetting(parts.session_id, move |db| {
            record_part::record_held_parts(db, &parts)
        })
        .await
    }

    async fn restart_upload(&self, restart: RestartUpload) -> Result<bool, StoreError> {
        self.write_forgetting(restart.session_id, move |db| {
            restart_upload::restart_upload(db, &restart)
        })
        .await
    }

    async fn complete_file(
        &self,
        complete: CompleteFile,
    ) -> Result<Activity<CompleteFileOutcome>, StoreError> {
        self.write_noted(
            complete,
            complete_file::complete_file,
            Recent::note_completed,
        )
        .await
    }

    async fn begin_finalize(
        &self,
        session_id: SessionId,
        user_id: &UserId,
        now: Timestamp,
        lock_ttl: Duration,
        lease: Duration,
    ) -> Result<BeginFinalizeOutcome, StoreError> {
        let user_id = user_id.clone();
        let begin = move |db: &Db<'_>| {
            finalize_session::begin_finalize(db, session_id, &user_id, now, lock_ttl, lease)
        };
        self.write_forgetting(session_id, begin).await
    }

    async fn renew_finalize(
        &self,
        locks: &[(SessionId, Timestamp)],
        now: Timestamp,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let locks = locks.to_vec();
        self.write(move |db| finalize_session::renew_finalize(db, &locks, now + lease))
            .await
    }

    async fn commit_finalize(
        &self,
        moc: NewMoc,
        locked_at: Timestamp,
    ) -> Result<CommitFinalizeOutcome, StoreError> {
        self.write(move |db| finalize_session::commit_finalize(db, moc.clone(), locked_at))
            .await
    }

    async fn release_finalize(
        &self,
        session_id: SessionId,
        locked_at: Timestamp,
        refusal: Option<ErrorCode>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| {
            finalize_session::release_finalize(db, session_id, locked_at, refusal, now)
        })
        .await
    }

    async fn expire_sessions(
        &self,
        now: Timestamp,
        finalize_lock_ttl: Duration,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        self.write_noted(
            (),
            move |db, ()| end_session::expire_sessions(db, now, finalize_lock_ttl, limit),
            |recent, _, expired| {
                for session in expired.into_iter().flatten() {
                    recent.forget(session.id);
                }
            },
        )
        .await
    }

    async fn sessions_to_free(
        &self,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.read(move |db| end_session::sessions_to_free(db, after, limit))
            .await
    }

    async fn database_id(&self) -> Result<String, StoreError> {
        self.read(housekeeping::database_id).await
    }

    async fn mark_session_freed(
        &self,
        session_id: SessionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| end_session::mark_session_freed(db, session_id, now))
            .await
    }

    async fn sessions_to_recheck(
        &self,
        freed_before: Timestamp,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<EndedSession>, StoreError> {
        self.read(move |db| end_session::sessions_to_recheck(db, freed_before, after, limit))
            .await
    }

    async fn mark_session_rechecked(
        &self,
        session_id: SessionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |db| end_session::mark_session_rechecked(db, session_id, now))
            .await
    }

    async fn prune(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| housekeeping::prune(db, before)).await
    }

    async fn owned_keys(&self, keys: &[ObjectKey]) -> Result<OwnedKeys, StoreError> {
        let keys = keys.to_vec();
        self.read(move |db| housekeeping::owned_keys(db, &keys))
            .await
    }
}

/// Whether a finalize lock is held, not stale, and its owner alive as far as it said so.
fn is_locked(row: &SessionRow, now: Timestamp, lock_ttl: Duration) -> bool {
    let is_fresh = |locked_at| locked_at > now - lock_ttl;
    let is_leased = |until| until > now;
    row.finalizing_at.is_some_and(is_fresh) && row.finalize_lease_until.is_none_or(is_leased)
}

/// Extends an active session after activity, where the rule says so.
fn extend(
    db: &Db<'_>,
    session: &Session,
    rule: ExtensionRule,
    now: Timestamp,
) -> Result<Option<Extension>, Error> {
    let Some(new_expires_at) = rule.apply(session, now) else {
        return Ok(None);
    };
    sql::execute(
        db,
        include_str!("../../queries/session_extend.sql"),
        (
            session.id.to_string(),
            new_expires_at.unix_ms(),
            now.unix_ms(),
        ),
    )?;
    Ok(Some(Extension {
        old_expires_at: session.expires_at,
        new_expires_at,
    }))
}
