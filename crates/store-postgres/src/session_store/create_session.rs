//! Creating a session: replay, duplicates, daily limit, insert (CONTRACT sections 1.1 and 1.2).

use moc_uploads_core::error::Duplicate;
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{CreateSessionOutcome, Idempotency, NewSession};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use time::OffsetDateTime;

use crate::decode;
use crate::error::Error;
use crate::sql::{Database, signed};

pub(super) async fn create_session(
    db: &Database,
    new: &NewSession,
    now: Option<OffsetDateTime>,
) -> Result<CreateSessionOutcome, Error> {
    let declared_bytes = new.files.iter().map(|file| file.size_bytes).sum();
    let idempotency = new.idempotency.as_ref();
    let query = sqlx::query(include_str!("../../queries/session_insert.sql"))
        .bind(now)
        .bind(new.id.0)
        .bind(new.user_id.as_str().to_owned())
        .bind(signed(new.part_size_bytes)?)
        .bind(new.created_at.to_datetime())
        .bind(new.expires_at.to_datetime())
        .bind(Json(new.files.clone()))
        .bind(new.files.len() as i64)
        .bind(signed(declared_bytes)?)
        .bind(hashed_files(new))
        .bind(new.daily_limit.map_or(i64::MAX, i64::from))
        .bind(idempotency.map(|idempotency| idempotency.key.clone()))
        .bind(idempotency.map(|idempotency| idempotency.fingerprint.clone()))
        .bind(idempotency.map(|idempotency| idempotency.valid_since.to_datetime()));
    let row = db.first(query).await?.ok_or(sqlx::Error::RowNotFound)?;
    if row.try_get(0)? {
        return Ok(CreateSessionOutcome::Created);
    }
    if let Some(idempotency) = idempotency
        && decode::is_present(&row, 1)?
    {
        return replay(&row, idempotency);
    }
    if decode::is_present(&row, 5)? {
        return Ok(CreateSessionOutcome::Duplicates(duplicates(&row)?));
    }
    Ok(CreateSessionOutcome::DailyLimitReached)
}

fn replay(row: &PgRow, idempotency: &Idempotency) -> Result<CreateSessionOutcome, Error> {
    if decode::text(row, 1)? != idempotency.fingerprint {
        return Ok(CreateSessionOutcome::IdempotencyKeyReused);
    }
    Ok(CreateSessionOutcome::Replayed {
        session_id: SessionId(row.try_get(2)?),
        part_size_bytes: decode::unsigned(row, 3)?,
        expires_at: decode::timestamp(row, 4)?,
    })
}

/// What is checked for duplicates.
fn hashed_files(new: &NewSession) -> Value {
    let files = new.files.iter().enumerate();
    files
        .filter(|_| !new.allow_duplicates)
        .filter_map(|(position, file)| {
            let hash = file.hash.as_ref()?.as_str();
            Some(json!({
                "position": position, "key": file.key, "size": file.size_bytes, "hash": hash,
            }))
        })
        .collect()
}

fn duplicates(row: &PgRow) -> Result<Vec<Duplicate>, Error> {
    let duplicates: Vec<(String, Option<String>)> = decode::json(row, 5)?;
    Ok(duplicates
        .into_iter()
        .map(|(key, existing_url)| Duplicate {
            key,
            existing_url: existing_url.unwrap_or_default(),
        })
        .collect())
}
