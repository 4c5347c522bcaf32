//! Giving a file another upload.

use moc_uploads_core::ports::RestartUpload;
use time::OffsetDateTime;

use crate::error::Error;
use crate::sql::Database;

pub(super) async fn restart_upload(
    db: &Database,
    restart: RestartUpload,
    now: Option<OffsetDateTime>,
) -> Result<bool, Error> {
    let query = sqlx::query(include_str!("../../queries/file_restart.sql"))
        .bind(restart.session_id.0)
        .bind(restart.file_id.0)
        .bind(restart.from.0)
        .bind(restart.to.0)
        .bind(now);
    Ok(db.first(query).await?.is_some())
}
