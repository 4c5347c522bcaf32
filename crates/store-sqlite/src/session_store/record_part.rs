//! Recording a part (CONTRACT section 1.4).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ports::{Activity, RecordPart, RecordPartOutcome};
use moc_uploads_core::session::SessionStatus;
use rusqlite::Connection;

use super::extend;
use super::read_session::file;
use crate::error::Error;
use crate::sql::{self, signed};

pub(super) fn record_part(
    db: &Connection,
    part: &RecordPart,
) -> Result<Activity<RecordPartOutcome>, Error> {
    let now = part.now;
    let Some(target) = file(db, part.session_id, part.file_id)? else {
        return Ok(Activity::SessionClosed(None));
    };
    let session = target.session;
    let file_status = target.file.map(|file| file.status);
    let done = |outcome| Activity::Done {
        outcome,
        extension: None,
    };
    match (session.status_at(now), file_status) {
        (SessionStatus::Active | SessionStatus::Completed, Some(FileStatus::Completed)) => {
            return Ok(done(RecordPartOutcome::FileCompleted));
        }
        (SessionStatus::Active, None) => return Ok(done(RecordPartOutcome::NoSuchFile)),
        (SessionStatus::Active, Some(_)) => {}
        _ => return Ok(Activity::SessionClosed(Some(session))),
    }
    let file_id = part.file_id.to_string();
    sql::execute(
        db,
        include_str!("../../queries/part_put.sql"),
        (
            &file_id,
            part.part_number,
            part.etag.as_str(),
            signed(part.size_bytes)?,
            now.unix_ms(),
        ),
    )?;
    if file_status == Some(FileStatus::Pending) {
        sql::execute(
            db,
            include_str!("../../queries/file_start.sql"),
            (&file_id, now.unix_ms()),
        )?;
    }
    Ok(Activity::Done {
        outcome: RecordPartOutcome::Recorded,
        extension: extend(db, &session, part.extension, now)?,
    })
}
