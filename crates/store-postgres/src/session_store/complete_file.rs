//! Completing a file (CONTRACT section 1.5).

use moc_uploads_core::ports::{Activity, CompleteFile, CompleteFileOutcome};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{activity, unknown_state};
use crate::error::Error;
use crate::sql::Database;

pub(super) async fn complete_file(
    db: &Database,
    complete: CompleteFile,
    now: Option<OffsetDateTime>,
) -> Result<Activity<CompleteFileOutcome>, Error> {
    let joined: Value = complete
        .parts
        .iter()
        .map(|part| json!({ "part_number": part.part_number, "etag": part.etag.as_str() }))
        .collect();
    let query = sqlx::query(include_str!("../../queries/file_complete.sql"))
        .bind(complete.session_id.0)
        .bind(complete.file_id.0)
        .bind(now)
        .bind(complete.etag.as_str().to_owned())
        .bind(complete.file_url)
        .bind(joined)
        .bind(complete.extension.threshold)
        .bind(complete.extension.ttl)
        .bind(complete.extension.max_lifetime);
    activity(db.first(query).await?, |_, state| match state {
        "open" => Ok(CompleteFileOutcome::Completed),
        "file_completed" => Ok(CompleteFileOutcome::AlreadyCompleted),
        "no_such_file" => Ok(CompleteFileOutcome::NoSuchFile),
        state => Err(unknown_state(state)),
    })
}
