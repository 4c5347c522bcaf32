//! Finalizing a session under a lock that goes stale (CONTRACT section 1.6).

use std::collections::HashSet;
use std::time::Duration;

use moc_uploads_core::error::ErrorCode;
use moc_uploads_core::file::UploadFile;
use moc_uploads_core::finalize::{Moc, NewMoc, free_slug, slug_of};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{BeginFinalizeOutcome, CommitFinalizeOutcome};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;
use rusqlite::params;

use super::is_locked;
use super::read_session::{files_with_progress, moc, session_row};
use crate::error::Error;
use crate::sql::{self, Db, signed};

pub(super) fn begin_finalize(
    db: &Db<'_>,
    session_id: SessionId,
    user_id: &UserId,
    now: Timestamp,
    lock_ttl: Duration,
    lease: Duration,
) -> Result<BeginFinalizeOutcome, Error> {
    let row = session_row(db, session_id)?;
    let Some(row) = row.filter(|row| row.session.user_id == *user_id) else {
        return Ok(BeginFinalizeOutcome::NoSuchSession);
    };
    let is_locked = is_locked(&row, now, lock_ttl);
    let session = row.session;
    if session.stored_status == SessionStatus::Active && is_locked {
        return Ok(BeginFinalizeOutcome::InProgress);
    }
    if session.status_at(now) != SessionStatus::Active {
        let moc = match row.moc_id {
            Some(moc_id) => moc(db, moc_id)?,
            None => None,
        };
        return Ok(match moc {
            Some(moc) => BeginFinalizeOutcome::AlreadyFinalized(Box::new(moc)),
            None => BeginFinalizeOutcome::SessionClosed(session),
        });
    }
    sql::execute(
        db,
        include_str!("../../queries/session_lock.sql"),
        (
            session_id.to_string(),
            now.unix_ms(),
            (now + lease).unix_ms(),
        ),
    )?;
    let files = files_with_progress(db, session_id, session.part_size_bytes)?;
    Ok(BeginFinalizeOutcome::Locked {
        session,
        files: files.into_iter().map(|progress| progress.file).collect(),
    })
}

pub(super) fn renew_finalize(
    db: &Db<'_>,
    locks: &[(SessionId, Timestamp)],
    until: Timestamp,
) -> Result<(), Error> {
    for (session_id, locked_at) in locks {
        sql::execute(
            db,
            include_str!("../../queries/session_renew.sql"),
            (session_id.to_string(), locked_at.unix_ms(), until.unix_ms()),
        )?;
    }
    Ok(())
}

pub(super) fn commit_finalize(
    db: &Db<'_>,
    new: NewMoc,
    locked_at: Timestamp,
) -> Result<CommitFinalizeOutcome, Error> {
    let holds_lock = session_row(db, new.session_id)?.is_some_and(|row| {
        row.session.stored_status == SessionStatus::Active && row.finalizing_at == Some(locked_at)
    });
    if !holds_lock {
        return Ok(CommitFinalizeOutcome::LockLost);
    }
    let slug = slug_for(db, &new)?;
    let is_title_taken = sql::exists(
        db,
        include_str!("../../queries/moc_title_exists.sql"),
        (new.user_id.as_str(), &new.draft.title),
    )?;
    if is_title_taken {
        release_finalize(db, new.session_id, locked_at, None, new.created_at)?;
        return Ok(CommitFinalizeOutcome::TitleTaken {
            suggested_slug: slug,
        });
    }
    insert_moc(db, &new, &slug)?;
    for file in &new.files {
        insert_moc_file(db, &new, file)?;
    }
    sql::execute(
        db,
        include_str!("../../queries/session_complete.sql"),
        (
            new.session_id.to_string(),
            new.created_at.unix_ms(),
            new.id.to_string(),
        ),
    )?;
    Ok(CommitFinalizeOutcome::Created(Box::new(Moc {
        id: new.id,
        draft: new.draft,
        slug,
        pdf_key: new.pdf_key,
        image_keys: new.image_keys,
        parts_keys: new.parts_keys,
        thumbnail_url: new.thumbnail_url,
        created_at: new.created_at,
    })))
}

pub(super) fn release_finalize(
    db: &Db<'_>,
    session_id: SessionId,
    locked_at: Timestamp,
    refusal: Option<ErrorCode>,
    now: Timestamp,
) -> Result<(), Error> {
    sql::execute(
        db,
        include_str!("../../queries/session_unlock.sql"),
        (
            session_id.to_string(),
            locked_at.unix_ms(),
            refusal.map(ErrorCode::as_str),
            now.unix_ms(),
        ),
    )?;
    Ok(())
}

fn slug_for(db: &Db<'_>, new: &NewMoc) -> Result<String, Error> {
    let base = slug_of(&new.draft.title);
    let taken: Vec<String> = sql::all(
        db,
        include_str!("../../queries/moc_list_slugs.sql"),
        (new.user_id.as_str(), &base),
        |row| Ok(row.get(0)?),
    )?;
    let taken: HashSet<String> = taken.into_iter().collect();
    Ok(free_slug(&base, |slug| taken.contains(slug)))
}

fn insert_moc(db: &Db<'_>, new: &NewMoc, slug: &str) -> Result<(), Error> {
    sql::execute(
        db,
        include_str!("../../queries/moc_insert.sql"),
        params![
            new.id.to_string(),
            new.user_id.as_str(),
            new.draft.title,
            slug,
            new.draft.description,
            new.pdf_key,
            serde_json::to_string(&new.image_keys)?,
            serde_json::to_string(&new.parts_keys)?,
            serde_json::to_string(&new.draft.tags)?,
            new.draft.theme,
            new.thumbnail_url,
            new.session_id.to_string(),
            new.created_at.unix_ms(),
        ],
    )?;
    Ok(())
}

/// A file becomes a MOC's at most once, so it keeps its id.
fn insert_moc_file(db: &Db<'_>, new: &NewMoc, file: &UploadFile) -> Result<(), Error> {
    let metadata = &file.metadata;
    sql::execute(
        db,
        include_str!("../../queries/moc_file_insert.sql"),
        params![
            file.id.to_string(),
            new.id.to_string(),
            metadata.category.as_str(),
            file.object_key.as_ref().map(|key| key.as_str()),
            metadata.name,
            metadata.content_type,
            signed(metadata.size_bytes)?,
            file.file_url,
            new.created_at.unix_ms(),
        ],
    )?;
    Ok(())
}
