//! Recording a part (CONTRACT section 1.4).

use moc_uploads_core::ports::{Activity, RecordPart, RecordPartOutcome};
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
        .bind(part.extension.max_lifetime);
    activity(db.first(query).await?, |_, state| match state {
        "open" => Ok(RecordPartOutcome::Recorded),
        "file_completed" => Ok(RecordPartOutcome::FileCompleted),
        "no_such_file" => Ok(RecordPartOutcome::NoSuchFile),
        state => Err(unknown_state(state)),
    })
}
