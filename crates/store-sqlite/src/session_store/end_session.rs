//! Sessions that end without a MOC: cancelled or expired, then freed (CONTRACT sections 1.9 and
//! 1.10).

use std::time::Duration;

use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{CancelSessionOutcome, EndedSession, Upload, UploadId};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::{Session, SessionStatus};
use moc_uploads_core::time::Timestamp;
use rusqlite::Row;

use super::is_locked;
use super::read_session::session_row;
use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db};

pub(super) fn cancel_session(
    db: &Db<'_>,
    session_id: SessionId,
    user_id: &UserId,
    now: Timestamp,
    finalize_lock_ttl: Duration,
) -> Result<CancelSessionOutcome, Error> {
    let row = session_row(db, session_id)?;
    let Some(row) = row.filter(|row| row.session.user_id == *user_id) else {
        return Ok(CancelSessionOutcome::NoSuchSession);
    };
    let is_locked = is_locked(&row, now, finalize_lock_ttl);
    let session = row.session;
    match session.stored_status {
        SessionStatus::Completed => return Ok(CancelSessionOutcome::Completed),
        SessionStatus::Expired | SessionStatus::Cancelled => {
            return Ok(CancelSessionOutcome::AlreadyEnded);
        }
        SessionStatus::Active => {}
    }
    if is_locked {
        return Ok(CancelSessionOutcome::Finalizing);
    }
    if session.status_at(now) == SessionStatus::Expired {
        return Ok(CancelSessionOutcome::AlreadyEnded);
    }
    sql::execute(
        db,
        include_str!("../../queries/session_cancel.sql"),
        (session_id.to_string(), now.unix_ms()),
    )?;
    fail_files(db, &[session_id], now)?;
    let uploads = sql::all(
        db,
        include_str!("../../queries/upload_list.sql"),
        [session_id.to_string()],
        |row| upload(row, 0),
    )?;
    Ok(CancelSessionOutcome::Cancelled(EndedSession {
        session: Session {
            stored_status: SessionStatus::Cancelled,
            ..session
        },
        uploads: uploads.into_iter().flatten().collect(),
    }))
}

pub(super) fn expire_sessions(
    db: &Db<'_>,
    now: Timestamp,
    finalize_lock_ttl: Duration,
    limit: u32,
) -> Result<Vec<Session>, Error> {
    let expired = sql::all(
        db,
        include_str!("../../queries/session_expire.sql"),
        (now.unix_ms(), (now - finalize_lock_ttl).unix_ms(), limit),
        decode::session,
    )?;
    let ids: Vec<_> = expired.iter().map(|session| session.id).collect();
    fail_files(db, &ids, now)?;
    Ok(expired)
}

/// From now on nobody's duplicates.
fn fail_files(db: &Db<'_>, session_ids: &[SessionId], now: Timestamp) -> Result<(), Error> {
    sql::execute(
        db,
        include_str!("../../queries/file_fail.sql"),
        (serde_json::to_string(session_ids)?, now.unix_ms()),
    )?;
    Ok(())
}

pub(super) fn sessions_to_free(
    db: &Db<'_>,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<EndedSession>, Error> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows = sql::all(
        db,
        include_str!("../../queries/session_list_to_free.sql"),
        (after, limit),
        session_with_upload,
    )?;
    Ok(by_session(rows))
}

pub(super) fn sessions_to_recheck(
    db: &Db<'_>,
    freed_before: Timestamp,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<EndedSession>, Error> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    let rows = sql::all(
        db,
        include_str!("../../queries/session_list_to_recheck.sql"),
        (freed_before.unix_ms(), after, limit),
        session_with_upload,
    )?;
    Ok(by_session(rows))
}

fn session_with_upload(row: &Row<'_>) -> Result<(Session, Option<Upload>), Error> {
    Ok((decode::session(row)?, upload(row, decode::SESSION_COLUMNS)?))
}

fn by_session(rows: Vec<(Session, Option<Upload>)>) -> Vec<EndedSession> {
    let mut ended: Vec<EndedSession> = Vec::new();
    for (session, upload) in rows {
        match ended.last_mut() {
            Some(last) if last.session.id == session.id => last.uploads.extend(upload),
            _ => ended.push(EndedSession {
                session,
                uploads: upload.into_iter().collect(),
            }),
        }
    }
    ended
}

pub(super) fn mark_session_rechecked(
    db: &Db<'_>,
    session_id: SessionId,
    now: Timestamp,
) -> Result<(), Error> {
    sql::execute(
        db,
        include_str!("../../queries/session_recheck.sql"),
        (session_id.to_string(), now.unix_ms()),
    )?;
    Ok(())
}

pub(super) fn mark_session_freed(
    db: &Db<'_>,
    session_id: SessionId,
    now: Timestamp,
) -> Result<(), Error> {
    let id = session_id.to_string();
    let freed = sql::execute(
        db,
        include_str!("../../queries/session_free.sql"),
        (&id, now.unix_ms()),
    )?;
    if freed > 0 {
        sql::execute(
            db,
            include_str!("../../queries/file_free.sql"),
            (&id, now.unix_ms()),
        )?;
        sql::execute(db, include_str!("../../queries/part_delete.sql"), [&id])?;
    }
    Ok(())
}

/// `object_key, upload_id` from column `at`, where there is one. Rows that other hands wrote may
/// have a key alone.
fn upload(row: &Row<'_>, at: usize) -> Result<Option<Upload>, Error> {
    let upload_id: Option<String> = row.get(at + 1)?;
    Ok(decode::object_key(row, at)?.map(|key| Upload {
        key,
        id: UploadId(upload_id.unwrap_or_default()),
    }))
}
