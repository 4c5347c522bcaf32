//! Finalizing a session under a lock that goes stale (CONTRACT section 1.6).

use std::time::Duration;

use moc_uploads_core::error::ErrorCode;
use moc_uploads_core::file::UploadFile;
use moc_uploads_core::finalize::{Moc, NewMoc, free_slug, slug_of};
use moc_uploads_core::ids::{MocId, SessionId};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{BeginFinalizeOutcome, CommitFinalizeOutcome};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use time::OffsetDateTime;

use super::read_session::moc;
use super::{STATE, unknown_state};
use crate::decode;
use crate::error::Error;
use crate::sql::{Database, Query, signed};

/// Each attempt fails only when another finalize of the same user got the slug meanwhile.
const MAX_ATTEMPTS: usize = 100;

/// Who wants the lock, and what becomes of it.
pub(super) struct BeginFinalize<'a> {
    pub(super) session_id: SessionId,
    pub(super) user_id: &'a UserId,
    pub(super) locked_at: Timestamp,
    pub(super) now: Option<OffsetDateTime>,
    pub(super) lock_ttl: Duration,
    pub(super) lease: Duration,
}

pub(super) async fn begin_finalize(
    db: &Database,
    begin: BeginFinalize<'_>,
) -> Result<BeginFinalizeOutcome, Error> {
    let query = sqlx::query(include_str!("../../queries/session_lock.sql"))
        .bind(begin.session_id.0)
        .bind(begin.user_id.as_str().to_owned())
        .bind(begin.locked_at.to_datetime())
        .bind(begin.now)
        .bind(begin.lock_ttl)
        .bind(begin.lease);
    let rows = db.all(query).await?;
    let Some(row) = rows.first() else {
        return Ok(BeginFinalizeOutcome::NoSuchSession);
    };
    let session = decode::session(row)?;
    match decode::text(row, STATE)? {
        "finalizing" => Ok(BeginFinalizeOutcome::InProgress),
        "closed" => Ok(match finished(db, row).await? {
            Some(moc) => BeginFinalizeOutcome::AlreadyFinalized(Box::new(moc)),
            None => BeginFinalizeOutcome::SessionClosed(session),
        }),
        "open" => Ok(BeginFinalizeOutcome::Locked {
            session,
            files: rows
                .iter()
                .filter_map(|row| decode::optional_file(row, STATE + 2).transpose())
                .collect::<Result<_, _>>()?,
        }),
        state => Err(unknown_state(state)),
    }
}

/// The MOC of a closed session. A statement of its own: the MOC may be younger than the one that
/// waited for the session's lock.
async fn finished(db: &Database, row: &PgRow) -> Result<Option<Moc>, Error> {
    match row.try_get(STATE + 1)? {
        Some(id) => moc(db, MocId(id)).await,
        None => Ok(None),
    }
}

pub(super) async fn renew_finalize(
    db: &Database,
    locks: &[(SessionId, Timestamp)],
    now: Option<OffsetDateTime>,
    lease: Duration,
) -> Result<(), Error> {
    let (sessions, tokens): (Vec<_>, Vec<_>) = locks
        .iter()
        .map(|(session_id, locked_at)| (session_id.0, locked_at.to_datetime()))
        .unzip();
    let query = sqlx::query(include_str!("../../queries/session_renew.sql"))
        .bind(sessions)
        .bind(tokens)
        .bind(now)
        .bind(lease);
    db.all(query).await?;
    Ok(())
}

pub(super) async fn commit_finalize(
    db: &Database,
    new: NewMoc,
    locked_at: Timestamp,
) -> Result<CommitFinalizeOutcome, Error> {
    let base = slug_of(&new.draft.title);
    let mut slug = base.clone();
    for _ in 0..MAX_ATTEMPTS {
        let query = insertion(&new, &slug, &base, locked_at)?;
        let row = db.first(query).await?.ok_or(sqlx::Error::RowNotFound)?;
        let (holds_lock, is_created): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
        if !holds_lock {
            return Ok(CommitFinalizeOutcome::LockLost);
        }
        if is_created {
            return Ok(CommitFinalizeOutcome::Created(Box::new(created(new, slug))));
        }
        let taken: Vec<String> = row.try_get(3)?;
        slug = free_slug(&base, |slug| taken.iter().any(|taken| taken == slug));
        if row.try_get(2)? {
            return Ok(CommitFinalizeOutcome::TitleTaken {
                suggested_slug: slug,
            });
        }
    }
    Err(Error::Contended)
}

pub(super) async fn release_finalize(
    db: &Database,
    session_id: SessionId,
    locked_at: Timestamp,
    refusal: Option<ErrorCode>,
    now: Option<OffsetDateTime>,
) -> Result<(), Error> {
    let query = sqlx::query(include_str!("../../queries/session_unlock.sql"))
        .bind(session_id.0)
        .bind(locked_at.to_datetime())
        .bind(refusal.map(ErrorCode::as_str))
        .bind(now);
    db.all(query).await?;
    Ok(())
}

fn insertion(
    new: &NewMoc,
    slug: &str,
    slug_base: &str,
    locked_at: Timestamp,
) -> Result<Query, Error> {
    let files = new
        .files
        .iter()
        .map(as_json)
        .collect::<Result<Value, _>>()?;
    Ok(sqlx::query(include_str!("../../queries/moc_insert.sql"))
        .bind(new.id.0)
        .bind(new.session_id.0)
        .bind(new.user_id.as_str().to_owned())
        .bind(new.draft.title.clone())
        .bind(slug.to_owned())
        .bind(slug_base.to_owned())
        .bind(new.draft.description.clone())
        .bind(new.pdf_key.clone())
        .bind(Json(new.image_keys.clone()))
        .bind(Json(new.parts_keys.clone()))
        .bind(Json(new.draft.tags.clone()))
        .bind(new.draft.theme.clone())
        .bind(new.thumbnail_url.clone())
        .bind(new.created_at.to_datetime())
        .bind(locked_at.to_datetime())
        .bind(files))
}

/// A file becomes a MOC's at most once, so it keeps its id.
fn as_json(file: &UploadFile) -> Result<Value, Error> {
    let metadata = &file.metadata;
    Ok(json!({
        "id": file.id,
        "category": metadata.category,
        "object_key": file.object_key.as_ref().map(ObjectKey::as_str),
        "name": metadata.name,
        "content_type": metadata.content_type,
        "size_bytes": signed(metadata.size_bytes)?,
        "file_url": file.file_url,
    }))
}

fn created(new: NewMoc, slug: String) -> Moc {
    Moc {
        id: new.id,
        draft: new.draft,
        slug,
        pdf_key: new.pdf_key,
        image_keys: new.image_keys,
        parts_keys: new.parts_keys,
        thumbnail_url: new.thumbnail_url,
        created_at: new.created_at,
    }
}
