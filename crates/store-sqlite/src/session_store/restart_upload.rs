//! Giving a file another upload.

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ports::{FileInSession, RestartUpload};
use moc_uploads_core::session::SessionStatus;

use super::read_session::file;
use crate::error::Error;
use crate::sql::{self, Db};

pub(super) fn restart_upload(db: &Db<'_>, restart: &RestartUpload) -> Result<bool, Error> {
    let now = restart.now;
    let Some(FileInSession {
        session,
        file: Some(file),
    }) = file(db, restart.session_id, restart.file_id)?
    else {
        return Ok(false);
    };
    let is_open = session.status_at(now) == SessionStatus::Active
        && matches!(file.status, FileStatus::Pending | FileStatus::Uploading);
    if !is_open {
        return Ok(false);
    }
    let file_id = restart.file_id.to_string();
    let changed = sql::execute(
        db,
        include_str!("../../queries/file_restart.sql"),
        (&file_id, &restart.from.0, &restart.to.0, now.unix_ms()),
    )?;
    if changed > 0 {
        sql::execute(
            db,
            include_str!("../../queries/part_forget.sql"),
            [&file_id],
        )?;
    }
    Ok(changed > 0)
}
