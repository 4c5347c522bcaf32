//! Completing a file (CONTRACT section 1.5).

use std::collections::HashMap;

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::part::PartReceipt;
use moc_uploads_core::ports::{Activity, CompleteFile, CompleteFileOutcome};
use moc_uploads_core::session::SessionStatus;

use super::extend;
use super::read_session::file_state;
use crate::error::Error;
use crate::sql::{self, Db};

pub(super) fn complete_file(
    db: &Db<'_>,
    complete: &CompleteFile,
) -> Result<Activity<CompleteFileOutcome>, Error> {
    let now = complete.now;
    let Some((session, file)) = file_state(db, complete.session_id, complete.file_id)? else {
        return Ok(Activity::SessionClosed(None));
    };
    let done = |outcome| Activity::Done {
        outcome,
        extension: None,
    };
    match (session.status_at(now), file.map(|file| file.status)) {
        (SessionStatus::Active | SessionStatus::Completed, Some(FileStatus::Completed)) => {
            return Ok(done(CompleteFileOutcome::AlreadyCompleted));
        }
        (SessionStatus::Active, None) => return Ok(done(CompleteFileOutcome::NoSuchFile)),
        (SessionStatus::Active, Some(_)) => {}
        _ => return Ok(Activity::SessionClosed(Some(session))),
    }
    let file_id = complete.file_id.to_string();
    restore_parts(db, &file_id, &complete.parts)?;
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

/// The file is made of these parts, whatever has been recorded of them since: their ETags are
/// theirs again.
fn restore_parts(db: &Db<'_>, file_id: &str, joined: &[PartReceipt]) -> Result<(), Error> {
    let recorded: HashMap<u32, String> = sql::all(
        db,
        include_str!("../../queries/part_list.sql"),
        [file_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?
    .into_iter()
    .collect();
    for part in joined {
        let etag = part.etag.as_str();
        if recorded
            .get(&part.part_number)
            .is_some_and(|recorded| recorded != etag)
        {
            sql::execute(
                db,
                include_str!("../../queries/part_restore.sql"),
                (file_id, part.part_number, etag),
            )?;
        }
    }
    Ok(())
}
