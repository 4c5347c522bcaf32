//! Recording parts (CONTRACT section 1.4).

use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{Activity, HeldPart, RecordHeldParts, RecordPart, RecordPartOutcome};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{activity, unknown_state};
use crate::error::Error;
use crate::sql::{Database, signed};

pub(super) async fn record_part(
    db: &Database,
    part: &RecordPart,
    now: Option<OffsetDateTime>,
) -> Result<Activity<RecordPartOutcome>, Error> {
    let query = sqlx::query(include_str!("../../queries/part_put.sql"))
        .bind(part.session_id.0)
        .bind(part.file_id.0)
        .bind(now)
        .bind(i64::from(part.part_number))
        .bind(part.etag.as_str().to_owned())
        .bind(signed(part.size_bytes)?)
        .bind(part.extension.threshold)
        .bind(part.extension.ttl)
        .bind(part.extension.max_lifetime)
        .bind(part.upload_id.0.clone());
    activity(db.first(query).await?, |_, state| outcome(state))
}

pub(super) async fn record_held_parts(
    db: &Database,
    held: &RecordHeldParts,
    now: Option<OffsetDateTime>,
) -> Result<Activity<RecordPartOutcome>, Error> {
    let parts: Value = held
        .parts
        .iter()
        .map(|HeldPart { part, recorded }| {
            json!({
                "part_number": part.part_number,
                "etag": part.etag.as_str(),
                "size_bytes": part.size_bytes,
                "uploaded_at": part.uploaded_at,
                "recorded_etag": recorded.as_ref().map(ETag::as_str),
            })
        })
        .collect();
    let query = sqlx::query(include_str!("../../queries/part_add.sql"))
        .bind(held.session_id.0)
        .bind(held.file_id.0)
        .bind(now)
        .bind(parts)
        .bind(held.upload_id.0.clone());
    activity(db.first(query).await?, |_, state| outcome(state))
}

fn outcome(state: &str) -> Result<RecordPartOutcome, Error> {
    match state {
        "open" => Ok(RecordPartOutcome::Recorded),
        "file_completed" => Ok(RecordPartOutcome::FileCompleted),
        "no_such_file" => Ok(RecordPartOutcome::NoSuchFile),
        "no_such_upload" => Ok(RecordPartOutcome::NoSuchUpload),
        state => Err(unknown_state(state)),
    }
}
