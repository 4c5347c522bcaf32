//! From rows to the domain. Every query that selects a session, file or MOC selects the columns
//! that are read here, in this order.

use std::str::FromStr;

use moc_uploads_core::file::{FileHash, FileMetadata, UploadFile};
use moc_uploads_core::finalize::{Moc, MocDraft};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::UploadId;
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::Session;
use moc_uploads_core::time::Timestamp;
use rusqlite::Row;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// The columns of a session.
pub(crate) const SESSION_COLUMNS: usize = 6;

/// The columns of a file.
pub(crate) const FILE_COLUMNS: usize = 16;

/// `id, user_id, status, part_size_bytes, created_at, expires_at`.
pub(crate) fn session(row: &Row<'_>) -> Result<Session, Error> {
    Ok(Session {
        id: parsed(row, 0)?,
        user_id: UserId::new(text(row, 1)?),
        stored_status: parsed(row, 2)?,
        part_size_bytes: unsigned(row, 3)?,
        created_at: timestamp(row, 4)?,
        expires_at: timestamp(row, 5)?,
    })
}

/// `id, session_id, file_key, category, file_name, file_size_bytes, content_type, ext, file_hash,
/// status, object_key, upload_id, file_url, etag, created_at, updated_at`, from column `at`.
pub(crate) fn file(row: &Row<'_>, at: usize) -> Result<UploadFile, Error> {
    let key: String = row.get(at + 2)?;
    let name: Option<String> = row.get(at + 4)?;
    let hash: Option<String> = row.get(at + 8)?;
    let upload_id: Option<String> = row.get(at + 11)?;
    let etag: Option<String> = row.get(at + 13)?;
    Ok(UploadFile {
        id: parsed(row, at)?,
        session_id: parsed(row, at + 1)?,
        metadata: FileMetadata {
            name: name.unwrap_or_else(|| key.clone()),
            key,
            category: parsed(row, at + 3)?,
            size_bytes: unsigned(row, at + 5)?,
            content_type: row.get(at + 6)?,
            ext: row.get(at + 7)?,
            hash: hash.as_deref().and_then(FileHash::parse),
        },
        status: parsed(row, at + 9)?,
        object_key: object_key(row, at + 10)?,
        upload_id: upload_id.map(UploadId),
        file_url: row.get(at + 12)?,
        etag: etag.as_deref().map(ETag::parse),
        created_at: timestamp(row, at + 14)?,
        updated_at: timestamp(row, at + 15)?,
    })
}

/// The same, where a left join may have found none.
pub(crate) fn optional_file(row: &Row<'_>, at: usize) -> Result<Option<UploadFile>, Error> {
    is_present(row, at)?.then(|| file(row, at)).transpose()
}

/// `id, title, slug, description, pdf_key, image_keys, parts_keys, tags, theme, thumbnail_url,
/// created_at`, from column `at`.
pub(crate) fn moc(row: &Row<'_>, at: usize) -> Result<Moc, Error> {
    Ok(Moc {
        id: parsed(row, at)?,
        draft: MocDraft {
            title: row.get(at + 1)?,
            description: row.get(at + 3)?,
            tags: json(row, at + 7)?,
            theme: row.get(at + 8)?,
        },
        slug: row.get(at + 2)?,
        pdf_key: row.get(at + 4)?,
        image_keys: json(row, at + 5)?,
        parts_keys: json(row, at + 6)?,
        thumbnail_url: row.get(at + 9)?,
        created_at: timestamp(row, at + 10)?,
    })
}

/// The same, where a left join may have found none.
pub(crate) fn optional_moc(row: &Row<'_>, at: usize) -> Result<Option<Moc>, Error> {
    is_present(row, at)?.then(|| moc(row, at)).transpose()
}

/// `part_number, etag, size_bytes, uploaded_at`.
pub(crate) fn part(row: &Row<'_>) -> Result<Part, Error> {
    Ok(Part {
        part_number: row.get(0)?,
        etag: ETag::parse(text(row, 1)?),
        size_bytes: unsigned(row, 2)?,
        uploaded_at: timestamp(row, 3)?,
    })
}

pub(crate) fn object_key(row: &Row<'_>, at: usize) -> Result<Option<ObjectKey>, Error> {
    if !is_present(row, at)? {
        return Ok(None);
    }
    let key = text(row, at)?;
    let key = ObjectKey::parse(key).ok_or_else(|| unreadable(at, format!("no key: {key:?}")))?;
    Ok(Some(key))
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, at: usize) -> Result<T, Error> {
    serde_json::from_str(text(row, at)?).map_err(|cause| unreadable(at, cause))
}

pub(crate) fn timestamp(row: &Row<'_>, at: usize) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_unix_ms(row.get(at)?))
}

pub(crate) fn optional_timestamp(row: &Row<'_>, at: usize) -> Result<Option<Timestamp>, Error> {
    let unix_ms: Option<i64> = row.get(at)?;
    Ok(unix_ms.map(Timestamp::from_unix_ms))
}

pub(crate) fn unsigned(row: &Row<'_>, at: usize) -> Result<u64, Error> {
    let value: i64 = row.get(at)?;
    u64::try_from(value).map_err(|cause| unreadable(at, cause))
}

pub(crate) fn parsed<T>(row: &Row<'_>, at: usize) -> Result<T, Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text(row, at)?
        .parse()
        .map_err(|cause| unreadable(at, cause))
}

pub(crate) fn is_present(row: &Row<'_>, at: usize) -> Result<bool, Error> {
    Ok(row.get_ref(at)? != rusqlite::types::ValueRef::Null)
}

pub(crate) fn text<'row>(row: &'row Row<'_>, at: usize) -> Result<&'row str, Error> {
    row.get_ref(at)?
        .as_str()
        .map_err(|cause| unreadable(at, cause))
}

fn unreadable(column: usize, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Column {
        column,
        cause: cause.into(),
    }
}
