//! Recording parts (CONTRACT section 1.4).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{
    Activity, HeldPart, RecordHeldParts, RecordPart, RecordPartOutcome, UploadId,
};
use moc_uploads_core::session::{Session, SessionStatus};
use moc_uploads_core::time::Timestamp;

use super::extend;
use super::read_session::file_state;
use crate::error::Error;
use crate::sql::{self, Db, signed};

pub(super) fn record_part(
    db: &Db<'_>,
    part: &RecordPart,
) -> Result<Activity<RecordPartOutcome>, Error> {
    let now = part.now;
    let (session, file_status) =
        match judge(db, part.session_id, part.file_id, &part.upload_id, now)? {
            Ok(open) => open,
            Err(refused) => return Ok(refused),
        };
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
    start(db, &file_id, file_status, now)?;
    Ok(Activity::Done {
        outcome: RecordPartOutcome::Recorded,
        extension: extend(db, &session, part.extension, now)?,
    })
}

pub(super) fn record_held_parts(
    db: &Db<'_>,
    held: &RecordHeldParts,
) -> Result<Activity<RecordPartOutcome>, Error> {
    let now = held.now;
    let file_status = match judge(db, held.session_id, held.file_id, &held.upload_id, now)? {
        Ok((_, file_status)) => file_status,
        Err(refused) => return Ok(refused),
    };
    let file_id = held.file_id.to_string();
    let parts = held
        .parts
        .iter()
        .map(|HeldPart { part, recorded }| {
            Ok((
                part.part_number,
                part.etag.as_str(),
                signed(part.size_bytes)?,
                part.uploaded_at.unix_ms(),
                recorded.as_ref().map(ETag::as_str),
            ))
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let parts = serde_json::to_string(&parts)?;
    for statement in [
        include_str!("../../queries/part_add.sql"),
        include_str!("../../queries/part_correct.sql"),
    ] {
        sql::execute(db, statement, (&file_id, &parts))?;
    }
    start(db, &file_id, file_status, now)?;
    Ok(Activity::Done {
        outcome: RecordPartOutcome::Recorded,
        extension: None,
    })
}

/// The session and how far the file is, where it takes parts; else why not.
fn judge(
    db: &Db<'_>,
    session_id: SessionId,
    file_id: FileId,
    upload_id: &UploadId,
    now: Timestamp,
) -> Result<Result<(Session, FileStatus), Activity<RecordPartOutcome>>, Error> {
    let Some((session, file)) = file_state(db, session_id, file_id)? else {
        return Ok(Err(Activity::SessionClosed(None)));
    };
    let refused = |outcome| {
        Err(Activity::Done {
            outcome,
            extension: None,
        })
    };
    Ok(match (session.status_at(now), file) {
        (SessionStatus::Active | SessionStatus::Completed, Some(file))
            if file.status == FileStatus::Completed =>
        {
            refused(RecordPartOutcome::FileCompleted)
        }
        (SessionStatus::Active, None) => refused(RecordPartOutcome::NoSuchFile),
        (SessionStatus::Active, Some(file)) if file.upload_id.as_ref() != Some(upload_id) => {
            refused(RecordPartOutcome::NoSuchUpload)
        }
        (SessionStatus::Active, Some(file)) => Ok((session, file.status)),
        _ => Err(Activity::SessionClosed(Some(session))),
    })
}

fn start(db: &Db<'_>, file_id: &str, file_status: FileStatus, now: Timestamp) -> Result<(), Error> {
    if file_status == FileStatus::Pending {
        sql::execute(
            db,
            include_str!("../../queries/file_start.sql"),
            (file_id, now.unix_ms()),
        )?;
    }
    Ok(())
}
