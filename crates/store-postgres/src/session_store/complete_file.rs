//! Completing a file (CONTRACT section 1.5).

use moc_uploads_core::ports::{Activity, CompleteFile, CompleteFileOutcome};
use time::OffsetDateTime;

use super::{activity, unknown_state};
use crate::error::Error;
use crate::sql::Database;

pub(super) async fn complete_file(
    db: &Database,
    complete: CompleteFile,
    now: Option<OffsetDateTime>,
) -> Result<Activity<CompleteFileOutcome>, Error> {
    let query = sqlx::query(include_str!("../../queries/file_complete.sql"))
        .bind(complete.session_id.0)
        .bind(complete.file_id.0)
        .bind(now)
        .bind(complete.etag.as_str().to_owned())
        .bind(complete.file_url)
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
