//! One session, and what is in it.

use moc_uploads_core::file::{FileMetadata, FileStatus};
use moc_uploads_core::finalize::Moc;
use moc_uploads_core::ids::{FileId, MocId, SessionId};
use moc_uploads_core::ports::{
    DeclaredSession, FileInSession, FileProgress, FileWithParts, PartTarget, SessionDetail,
};
use moc_uploads_core::session::SessionSummary;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::decode;
use crate::error::Error;
use crate::sql::Database;

/// The columns of a session and of a file in it.
const TARGET_COLUMNS: usize = decode::SESSION_COLUMNS + decode::FILE_COLUMNS;

pub(super) async fn declared_session(
    db: &Database,
    id: SessionId,
) -> Result<Option<DeclaredSession>, Error> {
    let query = sqlx::query(include_str!("../../queries/session_get_declared.sql")).bind(id.0);
    let Some(row) = db.first(query).await? else {
        return Ok(None);
    };
    let declared: Option<Vec<FileMetadata>> = decode::is_present(&row, decode::SESSION_COLUMNS)?
        .then(|| decode::json(&row, decode::SESSION_COLUMNS))
        .transpose()?;
    Ok(Some(DeclaredSession {
        session: decode::session(&row)?,
        declared,
        registered_count: decode::unsigned(&row, decode::SESSION_COLUMNS + 1)? as usize,
    }))
}

pub(super) async fn session_detail(
    db: &Database,
    id: SessionId,
) -> Result<Option<SessionDetail>, Error> {
    const MOC: usize = decode::SESSION_COLUMNS + 2;
    const FILE: usize = MOC + decode::MOC_COLUMNS;
    let query = sqlx::query(include_str!("../../queries/session_get.sql")).bind(id.0);
    let rows = db.all(query).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let session = decode::session(row)?;
    let files = rows
        .iter()
        .filter_map(|row| progress(row, FILE, session.part_size_bytes).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    let optional = |at| {
        decode::is_present(row, at)?
            .then(|| decode::unsigned(row, at))
            .transpose()
    };
    let sum = |bytes: fn(&FileProgress) -> u64| files.iter().map(bytes).sum();
    Ok(Some(SessionDetail {
        summary: SessionSummary {
            file_count: optional(decode::SESSION_COLUMNS)?.unwrap_or(files.len() as u64),
            bytes_total: optional(decode::SESSION_COLUMNS + 1)?
                .unwrap_or_else(|| sum(|progress| progress.file.metadata.size_bytes)),
            bytes_received: sum(|progress| progress.bytes_received),
            moc: decode::optional_moc(row, MOC)?,
            session,
        },
        files,
    }))
}

/// A file, its recorded parts and their bytes, from column `at`.
fn progress(row: &PgRow, at: usize, part_size_bytes: u64) -> Result<Option<FileProgress>, Error> {
    let Some(file) = decode::optional_file(row, at)? else {
        return Ok(None);
    };
    let (parts_received, bytes_received) = match file.status {
        FileStatus::Completed => (
            file.plan(part_size_bytes).part_count(),
            file.metadata.size_bytes,
        ),
        FileStatus::Failed => (0, 0),
        FileStatus::Pending | FileStatus::Uploading => {
            let count = row.try_get::<i64, _>(at + decode::FILE_COLUMNS)?;
            let count = u32::try_from(count)
                .map_err(|cause| decode::unreadable(at + decode::FILE_COLUMNS, cause))?;
            (count, decode::unsigned(row, at + decode::FILE_COLUMNS + 1)?)
        }
    };
    Ok(Some(FileProgress {
        file,
        parts_received,
        bytes_received,
    }))
}

pub(super) async fn moc(db: &Database, id: MocId) -> Result<Option<Moc>, Error> {
    let query = sqlx::query(include_str!("../../queries/moc_get.sql")).bind(id.0);
    let row = db.first(query).await?;
    row.map(|row| decode::moc(&row, 0)).transpose()
}

pub(super) async fn file(
    db: &Database,
    session_id: SessionId,
    file_id: FileId,
) -> Result<Option<FileInSession>, Error> {
    let query = sqlx::query(include_str!("../../queries/file_get.sql"))
        .bind(session_id.0)
        .bind(file_id.0);
    let row = db.first(query).await?;
    row.map(|row| file_in_session(&row)).transpose()
}

pub(super) async fn part_target(
    db: &Database,
    session_id: SessionId,
    file_id: FileId,
    part_number: u32,
) -> Result<Option<PartTarget>, Error> {
    let query = sqlx::query(include_str!("../../queries/file_get_part.sql"))
        .bind(session_id.0)
        .bind(file_id.0)
        .bind(i64::from(part_number));
    let Some(row) = db.first(query).await? else {
        return Ok(None);
    };
    Ok(Some(PartTarget {
        target: file_in_session(&row)?,
        is_recorded: row.try_get(TARGET_COLUMNS)?,
    }))
}

pub(super) async fn file_with_parts(
    db: &Database,
    session_id: SessionId,
    file_id: FileId,
) -> Result<Option<FileWithParts>, Error> {
    let query = sqlx::query(include_str!("../../queries/part_list.sql"))
        .bind(session_id.0)
        .bind(file_id.0);
    let Some(row) = db.first(query).await? else {
        return Ok(None);
    };
    Ok(Some(FileWithParts {
        target: file_in_session(&row)?,
        parts: decode::parts(&row, TARGET_COLUMNS)?,
    }))
}

fn file_in_session(row: &PgRow) -> Result<FileInSession, Error> {
    Ok(FileInSession {
        session: decode::session(row)?,
        file: decode::optional_file(row, decode::SESSION_COLUMNS)?,
    })
}
