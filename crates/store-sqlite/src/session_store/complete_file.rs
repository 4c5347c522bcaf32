//! Completing a file (CONTRACT section 1.5).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ports::{Activity, CompleteFile, CompleteFileOutcome};
use moc_uploads_core::session::SessionStatus;
use rusqlite::Connection;

use super::extend;
use super::read_session::file;
use crate::error::Error;
use crate::sql;

pub(super) fn complete_file(
    db: &Connection,
    complete: &CompleteFile,
) -> Result<Activity<CompleteFileOutcome>, Error> {
    let now = complete.now;
    let Some(target) = file(db, complete.session_id, complete.file_id)? else {
        return Ok(Activity::SessionClosed(None));
    };
    let session = target.session;
    let done = |outcome| Activity::Done {
        outcome,
        extension: None,
    };
    match (session.status_at(now), target.file.map(|file| file.status)) {
        (SessionStatus::Active | SessionStatus::Completed, Some(FileStatus::Completed)) => {
            return Ok(done(CompleteFileOutcome::AlreadyCompleted));
        }
        (SessionStatus::Active, None) => return Ok(done(CompleteFileOutcome::NoSuchFile)),
        (SessionStatus::Active, Some(_)) => {}
        _ => return Ok(Activity::SessionClosed(Some(session))),
    }
    let file_id = complete.file_id.to_string();
    let joined: Vec<_> = complete
        .parts
        .iter()
        .map(|part| (part.part_number, part.etag.as_str()))
        .collect();
    sql::execute(
        db,
        include_str!("../../queries/part_restore.sql"),
        (&file_id, serde_json::to_string(&joined)?),
    )?;
    sql::execute(
        db,
        include_str!("../../queries/file_complete.sql"),
        (
            &file_id,
            complete.etag.as_str(),
            &complete.file_url,
            now.unix_ms(),
        ),
    )?;
    Ok(Activity::Done {
        outcome: CompleteFileOutcome::Completed,
        extension: extend(db, &session, complete.extension, now)?,
    })
}
