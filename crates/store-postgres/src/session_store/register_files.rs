//! Registering files (CONTRACT section 1.3).

use moc_uploads_core::ports::{Activity, NewFile, RegisterFileOutcome, RegisterFiles};
use serde_json::{Value, json};
use sqlx::Row;
use sqlx::postgres::PgRow;
use time::OffsetDateTime;

use super::{STATE, activity, unknown_state};
use crate::decode;
use crate::error::Error;
use crate::sql::Database;

pub(super) async fn register_files(
    db: &Database,
    register: &RegisterFiles,
    now: Option<OffsetDateTime>,
) -> Result<Activity<Vec<RegisterFileOutcome>>, Error> {
    let files: Value = register.files.iter().enumerate().map(as_json).collect();
    let query = sqlx::query(include_str!("../../queries/file_insert.sql"))
        .bind(register.session_id.0)
        .bind(now)
        .bind(register.finalize_lock_ttl)
        .bind(files)
        .bind(register.max_file_count.map(|count| count as i64))
        .bind(register.extension.threshold)
        .bind(register.extension.ttl)
        .bind(register.extension.max_lifetime);
    activity(db.first(query).await?, |row, state| match state {
        "open" => outcomes(row),
        state => Err(unknown_state(state)),
    })
}

fn as_json((position, file): (usize, &NewFile)) -> Value {
    let metadata = &file.metadata;
    json!({
        "position": position,
        "id": file.id,
        "key": metadata.key,
        "size_bytes": metadata.size_bytes,
        "hash": metadata.hash,
        "category": metadata.category,
        "name": metadata.name,
        "content_type": metadata.content_type,
        "ext": metadata.ext,
        "object_key": file.upload.key.as_str(),
        "upload_id": file.upload.id.0,
    })
}

fn outcomes(row: &PgRow) -> Result<Vec<RegisterFileOutcome>, Error> {
    const OUTCOMES: usize = STATE + 3;
    let outcomes: Vec<String> = row.try_get(OUTCOMES)?;
    outcomes
        .into_iter()
        .map(|outcome| match outcome.as_str() {
            "registered" => Ok(RegisterFileOutcome::Registered),
            "key_taken" => Ok(RegisterFileOutcome::KeyTaken),
            "file_count_exceeded" => Ok(RegisterFileOutcome::FileCountExceeded),
            _ => Err(decode::unreadable(OUTCOMES, outcome)),
        })
        .collect()
}
