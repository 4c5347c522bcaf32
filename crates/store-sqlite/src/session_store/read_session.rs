//! One session, and what is in it.

use moc_uploads_core::file::{FileMetadata, FileStatus, UploadFile};
use moc_uploads_core::finalize::Moc;
use moc_uploads_core::ids::{FileId, MocId, SessionId};
use moc_uploads_core::ports::{
    DeclaredSession, FileInSession, FileProgress, FileWithParts, PartTarget, SessionDetail,
    UploadId,
};
use moc_uploads_core::session::{Session, SessionSummary};
use moc_uploads_core::time::Timestamp;
use rusqlite::Row;

use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db};

/// A row of `upload_sessions` without its declaration.
pub(super) struct SessionRow {
    pub(super) session: Session,
    pub(super) declared_file_count: Option<u64>,
    pub(super) declared_bytes: Option<u64>,
    pub(super) finalizing_at: Option<Timestamp>,
    pub(super) finalize_lease_until: Option<Timestamp>,
    pub(super) moc_id: Option<MocId>,
}

impl SessionRow {
    fn decode(row: &Row<'_>) -> Result<Self, Error> {
        let optional = |at| {
            decode::is_present(row, at)?
                .then(|| decode::unsigned(row, at))
                .transpose()
        };
        Ok(Self {
            session: decode::session(row)?,
            declared_file_count: optional(decode::SESSION_COLUMNS)?,
            declared_bytes: optional(decode::SESSION_COLUMNS + 1)?,
            finalizing_at: decode::optional_timestamp(row, decode::SESSION_COLUMNS + 2)?,
            finalize_lease_until: decode::optional_timestamp(row, decode::SESSION_COLUMNS + 3)?,
            moc_id: decode::is_present(row, decode::SESSION_COLUMNS + 4)?
                .then(|| decode::parsed(row, decode::SESSION_COLUMNS + 4))
                .transpose()?,
        })
    }
}

pub(super) fn session_row(db: &Db<'_>, id: SessionId) -> Result<Option<SessionRow>, Error> {
    sql::first(
        db,
        include_str!("../../queries/session_get.sql"),
        [id.to_string()],
        SessionRow::decode,
    )
}

pub(super) fn declared_session(
    db: &Db<'_>,
    id: SessionId,
) -> Result<Option<DeclaredSession>, Error> {
    sql::first(
        db,
        include_str!("../../queries/session_get_declared.sql"),
        [id.to_string()],
        |row| {
            let declared: Option<Vec<FileMetadata>> =
                decode::is_present(row, decode::SESSION_COLUMNS)?
                    .then(|| decode::json(row, decode::SESSION_COLUMNS))
                    .transpose()?;
            Ok(DeclaredSession {
                session: decode::session(row)?,
                declared,
                registered_count: decode::unsigned(row, decode::SESSION_COLUMNS + 1)? as usize,
            })
        },
    )
}

pub(super) fn session_detail(db: &Db<'_>, id: SessionId) -> Result<Option<SessionDetail>, Error> {
    // Session, files and parts as of one moment.
    let _snapshot = db.unchecked_transaction()?;
    let Some(row) = session_row(db, id)? else {
        return Ok(None);
    };
    let files = files_with_progress(db, id, row.session.part_size_bytes)?;
    let moc = match row.moc_id {
        Some(moc_id) => moc(db, moc_id)?,
        None => None,
    };
    Ok(Some(SessionDetail {
        summary: SessionSummary {
            file_count: row.declared_file_count.unwrap_or(files.len() as u64),
            bytes_total: row.declared_bytes.unwrap_or_else(|| {
                files
                    .iter()
                    .map(|progress| progress.file.metadata.size_bytes)
                    .sum()
            }),
            bytes_received: files.iter().map(|progress| progress.bytes_received).sum(),
            moc,
            session: row.session,
        },
        files,
    }))
}

/// The files of a session in the order of their registration.
pub(super) fn files_with_progress(
    db: &Db<'_>,
    session_id: SessionId,
    part_size_bytes: u64,
) -> Result<Vec<FileProgress>, Error> {
    sql::all(
        db,
        include_str!("../../queries/file_list.sql"),
        [session_id.to_string()],
        |row| {
            let file = decode::file(row, 0)?;
            let (parts_received, bytes_received) = match file.status {
                FileStatus::Completed => (
                    file.plan(part_size_bytes).part_count(),
                    file.metadata.size_bytes,
                ),
                FileStatus::Failed => (0, 0),
                FileStatus::Pending | FileStatus::Uploading => (
                    row.get(decode::FILE_COLUMNS)?,
                    decode::unsigned(row, decode::FILE_COLUMNS + 1)?,
                ),
            };
            Ok(FileProgress {
                file,
                parts_received,
                bytes_received,
            })
        },
    )
}

pub(super) fn moc(db: &Db<'_>, id: MocId) -> Result<Option<Moc>, Error> {
    sql::first(
        db,
        include_str!("../../queries/moc_get.sql"),
        [id.to_string()],
        |row| decode::moc(row, 0),
    )
}

pub(super) fn file(
    db: &Db<'_>,
    session_id: SessionId,
    file_id: FileId,
) -> Result<Option<FileInSession>, Error> {
    sql::first(
        db,
        include_str!("../../queries/file_get.sql"),
        [session_id.to_string(), file_id.to_string()],
        file_in_session,
    )
}

/// How far a file is, and in which upload.
pub(super) struct FileState {
    pub(super) status: FileStatus,
    pub(super) upload_id: Option<UploadId>,
}

/// The session and the state of the file; cheaper than all of it.
pub(super) fn file_state(
    db: &Db<'_>,
    session_id: SessionId,
    file_id: FileId,
) -> Result<Option<(Session, Option<FileState>)>, Error> {
    sql::first(
        db,
        include_str!("../../queries/file_get_status.sql"),
        [session_id.to_string(), file_id.to_string()],
        |row| {
            const STATUS: usize = decode::SESSION_COLUMNS;
            let file = if decode::is_present(row, STATUS)? {
                let upload_id: Option<String> = row.get(STATUS + 1)?;
                Some(FileState {
                    status: decode::parsed(row, STATUS)?,
                    upload_id: upload_id.map(UploadId),
                })
            } else {
                None
            };
            Ok((decode::session(row)?, file))
        },
    )
}

pub(super) fn part_target(
    db: &Db<'_>,
    session_id: SessionId,
    file_id: FileId,
    part_number: u32,
) -> Result<Option<PartTarget>, Error> {
    sql::first(
        db,
        include_str!("../../queries/file_get_part.sql"),
        (session_id.to_string(), file_id.to_string(), part_number),
        |row| {
            Ok(PartTarget {
                target: file_in_session(row)?,
                is_recorded: row.get(decode::SESSION_COLUMNS + decode::FILE_COLUMNS)?,
            })
        },
    )
}

pub(super) fn file_with_parts(
    db: &Db<'_>,
    session_id: SessionId,
    file_id: FileId,
) -> Result<Option<FileWithParts>, Error> {
    // File and parts as of one moment.
    let _snapshot = db.unchecked_transaction()?;
    let Some(target) = file(db, session_id, file_id)? else {
        return Ok(None);
    };
    let parts = match &target.file {
        Some(file) => sql::all(
            db,
            include_str!("../../queries/part_list.sql"),
            [file.id.to_string()],
            decode::part,
        )?,
        None => Vec::new(),
    };
    Ok(Some(FileWithParts { target, parts }))
}

fn file_in_session(row: &Row<'_>) -> Result<FileInSession, Error> {
    let file: Option<UploadFile> = decode::optional_file(row, decode::SESSION_COLUMNS)?;
    Ok(FileInSession {
        session: decode::session(row)?,
        file,
    })
}
