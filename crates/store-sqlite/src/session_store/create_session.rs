//! Creating a session: replay, duplicates, daily limit, insert (CONTRACT sections 1.1 and 1.2).

use moc_uploads_core::error::Duplicate;
use moc_uploads_core::ports::{CreateSessionOutcome, Idempotency, NewSession};
use serde_json::json;

use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db, signed};

pub(super) fn create_session(db: &Db<'_>, new: &NewSession) -> Result<CreateSessionOutcome, Error> {
    if let Some(idempotency) = &new.idempotency
        && let Some(replay) = replay(db, new, idempotency)?
    {
        return Ok(replay);
    }
    if !new.allow_duplicates {
        let duplicates = duplicates(db, new)?;
        if !duplicates.is_empty() {
            return Ok(CreateSessionOutcome::Duplicates(duplicates));
        }
    }
    if !count(db, new)? {
        return Ok(CreateSessionOutcome::DailyLimitReached);
    }
    insert(db, new)?;
    if let Some(idempotency) = &new.idempotency {
        remember(db, new, idempotency)?;
    }
    Ok(CreateSessionOutcome::Created)
}

fn replay(
    db: &Db<'_>,
    new: &NewSession,
    idempotency: &Idempotency,
) -> Result<Option<CreateSessionOutcome>, Error> {
    sql::first(
        db,
        include_str!("../../queries/idempotency_get.sql"),
        (
            new.user_id.as_str(),
            &idempotency.key,
            idempotency.valid_since.unix_ms(),
        ),
        |row| {
            let fingerprint: String = row.get(0)?;
            if fingerprint != idempotency.fingerprint {
                return Ok(CreateSessionOutcome::IdempotencyKeyReused);
            }
            Ok(CreateSessionOutcome::Replayed {
                session_id: decode::parsed(row, 1)?,
                part_size_bytes: decode::unsigned(row, 2)?,
                expires_at: decode::timestamp(row, 3)?,
            })
        },
    )
}

fn duplicates(db: &Db<'_>, new: &NewSession) -> Result<Vec<Duplicate>, Error> {
    let hashed: Vec<_> = new
        .files
        .iter()
        .filter_map(|file| {
            let hash = file.hash.as_ref()?.as_str();
            Some(json!({ "key": file.key, "size": file.size_bytes, "hash": hash }))
        })
        .collect();
    if hashed.is_empty() {
        return Ok(Vec::new());
    }
    sql::all(
        db,
        include_str!("../../queries/duplicate_list.sql"),
        (
            serde_json::to_string(&hashed)?,
            new.user_id.as_str(),
            new.created_at.unix_ms(),
        ),
        |row| {
            let existing_url: Option<String> = row.get(1)?;
            Ok(Duplicate {
                key: row.get(0)?,
                existing_url: existing_url.unwrap_or_default(),
            })
        },
    )
}

/// Counts the session unless the day is used up.
fn count(db: &Db<'_>, new: &NewSession) -> Result<bool, Error> {
    let limit = new.daily_limit.map_or(i64::MAX, i64::from);
    let counted = sql::execute(
        db,
        include_str!("../../queries/daily_upload_count.sql"),
        (new.user_id.as_str(), new.created_at.utc_day(), limit),
    )?;
    Ok(counted > 0)
}

fn insert(db: &Db<'_>, new: &NewSession) -> Result<(), Error> {
    let declared_bytes = new.files.iter().map(|file| file.size_bytes).sum();
    sql::execute(
        db,
        include_str!("../../queries/session_insert.sql"),
        (
            new.id.to_string(),
            new.user_id.as_str(),
            signed(new.part_size_bytes)?,
            new.created_at.unix_ms(),
            new.expires_at.unix_ms(),
            serde_json::to_string(&new.files)?,
            new.files.len() as i64,
            signed(declared_bytes)?,
        ),
    )?;
    Ok(())
}

fn remember(db: &Db<'_>, new: &NewSession, idempotency: &Idempotency) -> Result<(), Error> {
    sql::execute(
        db,
        include_str!("../../queries/idempotency_put.sql"),
        (
            new.user_id.as_str(),
            &idempotency.key,
            &idempotency.fingerprint,
            new.id.to_string(),
            signed(new.part_size_bytes)?,
            new.expires_at.unix_ms(),
            new.created_at.unix_ms(),
        ),
    )?;
    Ok(())
}
