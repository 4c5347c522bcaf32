//! Registering files (CONTRACT section 1.3).

use moc_uploads_core::file::FileHash;
use moc_uploads_core::ports::{Activity, NewFile, RegisterFileOutcome, RegisterFiles};
use moc_uploads_core::session::{Session, SessionStatus};
use rusqlite::params;

use super::read_session::session_row;
use super::{extend, is_locked};
use crate::error::Error;
use crate::sql::{self, Db, signed};

pub(super) fn register_files(
    db: &Db<'_>,
    register: &RegisterFiles,
) -> Result<Activity<Vec<RegisterFileOutcome>>, Error> {
    let now = register.now;
    let Some(row) = session_row(db, register.session_id)? else {
        return Ok(Activity::SessionClosed(None));
    };
    let is_locked = is_locked(&row, now, register.finalize_lock_ttl);
    let session = row.session;
    if session.status_at(now) != SessionStatus::Active {
        return Ok(Activity::SessionClosed(Some(session)));
    }
    if is_locked {
        return Ok(Activity::Finalizing);
    }
    let outcome = register
        .files
        .iter()
        .map(|file| register_file(db, &session, register, file))
        .collect::<Result<Vec<_>, _>>()?;
    let extension = if outcome.contains(&RegisterFileOutcome::Registered) {
        extend(db, &session, register.extension, now)?
    } else {
        None
    };
    Ok(Activity::Done { outcome, extension })
}

fn register_file(
    db: &Db<'_>,
    session: &Session,
    register: &RegisterFiles,
    file: &NewFile,
) -> Result<RegisterFileOutcome, Error> {
    let metadata = &file.metadata;
    let session_id = session.id.to_string();
    let is_full = match register.max_file_count {
        Some(max_count) => file_count(db, &session_id)? >= max_count,
        None => false,
    };
    if is_full {
        let is_key_taken = sql::exists(
            db,
            include_str!("../../queries/file_exists.sql"),
            (session_id, &metadata.key),
        )?;
        return Ok(if is_key_taken {
            RegisterFileOutcome::KeyTaken
        } else {
            RegisterFileOutcome::FileCountExceeded
        });
    }
    let inserted = sql::execute(
        db,
        include_str!("../../queries/file_insert.sql"),
        params![
            file.id.to_string(),
            session_id,
            session.user_id.as_str(),
            metadata.key,
            signed(metadata.size_bytes)?,
            metadata.hash.as_ref().map(FileHash::as_str),
            metadata.category.as_str(),
            metadata.name,
            metadata.content_type,
            metadata.ext,
            file.upload.key.as_str(),
            file.upload.id.0,
            register.now.unix_ms(),
        ],
    )?;
    Ok(if inserted > 0 {
        RegisterFileOutcome::Registered
    } else {
        RegisterFileOutcome::KeyTaken
    })
}

fn file_count(db: &Db<'_>, session_id: &str) -> Result<usize, Error> {
    let count: Option<u32> = sql::first(
        db,
        include_str!("../../queries/file_count.sql"),
        [session_id],
        |row| Ok(row.get(0)?),
    )?;
    Ok(count.unwrap_or(0) as usize)
}
