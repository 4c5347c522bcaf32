//! Sessions that end without a MOC: cancelled or expired, then freed (CONTRACT sections 1.9 and
//! 1.10).

use std::time::Duration;

use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{CancelSessionOutcome, EndedSession};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::{Session, SessionStatus};
use moc_uploads_core::time::Timestamp;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

use super::{STATE, unknown_state};
use crate::decode;
use crate::error::Error;
use crate::sql::Database;

pub(super) async fn cancel_session(
    db: &Database,
    session_id: SessionId,
    user_id: &UserId,
    now: Option<OffsetDateTime>,
    finalize_lock_ttl: Duration,
) -> Result<CancelSessionOutcome, Error> {
    let query = sqlx::query(include_str!("../../queries/session_cancel.sql"))
        .bind(session_id.0)
        .bind(user_id.as_str().to_owned())
        .bind(now)
        .bind(finalize_lock_ttl);
    let rows = db.all(query).await?;
    let Some(row) = rows.first() else {
        return Ok(CancelSessionOutcome::NoSuchSession);
    };
    match decode::text(row, STATE)? {
        "completed" => Ok(CancelSessionOutcome::Completed),
        "ended" => Ok(CancelSessionOutcome::AlreadyEnded),
        "finalizing" => Ok(CancelSessionOutcome::Finalizing),
        "open" => Ok(CancelSessionOutcome::Cancelled(EndedSession {
            session: Session {
                stored_status: SessionStatus::Cancelled,
                ..decode::session(row)?
            },
            uploads: rows
                .iter()
                .filter_map(|row| decode::upload(row, STATE + 1).transpose())
                .collect::<Result<_, _>>()?,
        })),
        state => Err(unknown_state(state)),
    }
}

pub(super) async fn expire_sessions(
    db: &Database,
    now: Option<OffsetDateTime>,
    finalize_lock_ttl: Duration,
    limit: u32,
) -> Result<Vec<Session>, Error> {
    let query = sqlx::query(include_str!("../../queries/session_expire.sql"))
        .bind(now)
        .bind(finalize_lock_ttl)
        .bind(i64::from(limit));
    let rows = db.all(query).await?;
    rows.iter().map(decode::session).collect()
}

/// Locks nothing: freeing twice is harmless, and takes longer than a transaction should.
pub(super) async fn sessions_to_free(
    db: &Database,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<EndedSession>, Error> {
    let query = sqlx::query(include_str!("../../queries/session_list_to_free.sql"))
        .bind(after.map(|id| id.0).unwrap_or_default())
        .bind(i64::from(limit));
    by_session(&db.all(query).await?)
}

/// Locks nothing, for the same reason.
pub(super) async fn sessions_to_recheck(
    db: &Database,
    freed_before: Timestamp,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<EndedSession>, Error> {
    let query = sqlx::query(include_str!("../../queries/session_list_to_recheck.sql"))
        .bind(freed_before.to_datetime())
        .bind(after.map(|id| id.0).unwrap_or_default())
        .bind(i64::from(limit));
    by_session(&db.all(query).await?)
}

fn by_session(rows: &[PgRow]) -> Result<Vec<EndedSession>, Error> {
    let mut ended: Vec<EndedSession> = Vec::new();
    for row in rows {
        let session = decode::session(row)?;
        let upload = decode::upload(row, decode::SESSION_COLUMNS)?;
        match ended.last_mut() {
            Some(last) if last.session.id == session.id => last.uploads.extend(upload),
            _ => ended.push(EndedSession {
                session,
                uploads: upload.into_iter().collect(),
            }),
        }
    }
    Ok(ended)
}

pub(super) async fn mark_session_freed(
    db: &Database,
    session_id: SessionId,
    now: Option<OffsetDateTime>,
) -> Result<(), Error> {
    let query = sqlx::query(include_str!("../../queries/session_free.sql"))
        .bind(session_id.0)
        .bind(now);
    db.all(query).await?;
    Ok(())
}

pub(super) async fn mark_session_rechecked(
    db: &Database,
    session_id: SessionId,
    now: Option<OffsetDateTime>,
) -> Result<(), Error> {
    let query = sqlx::query(include_str!("../../queries/session_recheck.sql"))
        .bind(session_id.0)
        .bind(now);
    db.all(query).await?;
    Ok(())
}
