//! From rows to the domain. Every query that selects a session, file or MOC selects the columns
//! that are read here, in this order.

use std::str::FromStr;

use moc_uploads_core::file::{FileHash, FileMetadata, UploadFile};
use moc_uploads_core::finalize::{Moc, MocDraft};
use moc_uploads_core::ids::{FileId, MocId, SessionId};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{Upload, UploadId};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::{Extension, Session};
use moc_uploads_core::time::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{Row, ValueRef};
use time::OffsetDateTime;

use crate::error::Error;

/// The columns of a session.
pub(crate) const SESSION_COLUMNS: usize = 6;

/// The columns of a file.
pub(crate) const FILE_COLUMNS: usize = 16;

/// The columns of a MOC.
pub(crate) const MOC_COLUMNS: usize = 11;

/// `id, user_id, status, part_size_bytes, created_at, expires_at`.
pub(crate) fn session(row: &PgRow) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId(row.try_get(0)?),
        user_id: UserId::new(text(row, 1)?),
        stored_status: parsed(row, 2)?,
        part_size_bytes: unsigned(row, 3)?,
        created_at: timestamp(row, 4)?,
        expires_at: timestamp(row, 5)?,
    })
}

/// `id, session_id, file_key, category, file_name, file_size_bytes, content_type, ext, file_hash,
/// status, object_key, upload_id, file_url, etag, created_at, updated_at`, from column `at`.
pub(crate) fn file(row: &PgRow, at: usize) -> Result<UploadFile, Error> {
    let key: String = row.try_get(at + 2)?;
    let name: Option<String> = row.try_get(at + 4)?;
    let hash: Option<&str> = row.try_get(at + 8)?;
    let upload_id: Option<String> = row.try_get(at + 11)?;
    let etag: Option<&str> = row.try_get(at + 13)?;
    Ok(UploadFile {
        id: FileId(row.try_get(at)?),
        session_id: SessionId(row.try_get(at + 1)?),
        metadata: FileMetadata {
            name: name.unwrap_or_else(|| key.clone()),
            key,
            category: parsed(row, at + 3)?,
            size_bytes: unsigned(row, at + 5)?,
            content_type: row.try_get(at + 6)?,
            ext: row.try_get(at + 7)?,
            hash: hash.and_then(FileHash::parse),
        },
        status: parsed(row, at + 9)?,
        object_key: object_key(row, at + 10)?,
        upload_id: upload_id.map(UploadId),
        file_url: row.try_get(at + 12)?,
        etag: etag.map(ETag::parse),
        created_at: timestamp(row, at + 14)?,
        updated_at: timestamp(row, at + 15)?,
    })
}

/// The same, where a left join may have found none.
pub(crate) fn optional_file(row: &PgRow, at: usize) -> Result<Option<UploadFile>, Error> {
    is_present(row, at)?.then(|| file(row, at)).transpose()
}

/// `id, title, slug, description, pdf_key, image_keys, parts_keys, tags, theme, thumbnail_url,
/// created_at`, from column `at`.
pub(crate) fn moc(row: &PgRow, at: usize) -> Result<Moc, Error> {
    Ok(Moc {
        id: MocId(row.try_get(at)?),
        draft: MocDraft {
            title: row.try_get(at + 1)?,
            description: row.try_get(at + 3)?,
            tags: json(row, at + 7)?,
            theme: row.try_get(at + 8)?,
        },
        slug: row.try_get(at + 2)?,
        pdf_key: row.try_get(at + 4)?,
        image_keys: json(row, at + 5)?,
        parts_keys: json(row, at + 6)?,
        thumbnail_url: row.try_get(at + 9)?,
        created_at: timestamp(row, at + 10)?,
    })
}

/// The same, where a left join may have found none.
pub(crate) fn optional_moc(row: &PgRow, at: usize) -> Result<Option<Moc>, Error> {
    is_present(row, at)?.then(|| moc(row, at)).transpose()
}

/// `part_numbers, etags, sizes_bytes, uploaded_at`, arrays from column `at`.
pub(crate) fn parts(row: &PgRow, at: usize) -> Result<Vec<Part>, Error> {
    let numbers: Vec<i32> = row.try_get(at)?;
    let etags: Vec<String> = row.try_get(at + 1)?;
    let sizes: Vec<i64> = row.try_get(at + 2)?;
    let times: Vec<OffsetDateTime> = row.try_get(at + 3)?;
    let rest = etags.into_iter().zip(sizes).zip(times);
    numbers
        .into_iter()
        .zip(rest)
        .map(|(number, ((etag, size), uploaded_at))| {
            Ok(Part {
                part_number: u32::try_from(number).map_err(|cause| unreadable(at, cause))?,
                etag: ETag::parse(&etag),
                size_bytes: u64::try_from(size).map_err(|cause| unreadable(at + 2, cause))?,
                uploaded_at: Timestamp::from_datetime(uploaded_at),
            })
        })
        .collect()
}

/// `old_expires_at, new_expires_at`, from column `at`, where a session was extended.
pub(crate) fn extension(row: &PgRow, at: usize) -> Result<Option<Extension>, Error> {
    if !is_present(row, at)? {
        return Ok(None);
    }
    Ok(Some(Extension {
        old_expires_at: timestamp(row, at)?,
        new_expires_at: timestamp(row, at + 1)?,
    }))
}

/// `object_key, upload_id` from column `at`, where there is one. Rows that other hands wrote may
/// have a key alone.
pub(crate) fn upload(row: &PgRow, at: usize) -> Result<Option<Upload>, Error> {
    let upload_id: Option<String> = row.try_get(at + 1)?;
    Ok(object_key(row, at)?.map(|key| Upload {
        key,
        id: UploadId(upload_id.unwrap_or_default()),
    }))
}

pub(crate) fn object_key(row: &PgRow, at: usize) -> Result<Option<ObjectKey>, Error> {
    let Some(key) = row.try_get::<Option<&str>, _>(at)? else {
        return Ok(None);
    };
    let key = ObjectKey::parse(key).ok_or_else(|| unreadable(at, format!("no key: {key:?}")))?;
    Ok(Some(key))
}

pub(crate) fn json<T: DeserializeOwned>(row: &PgRow, at: usize) -> Result<T, Error> {
    let Json(value) = row.try_get_unchecked::<Json<T>, _>(at)?;
    Ok(value)
}

pub(crate) fn timestamp(row: &PgRow, at: usize) -> Result<Timestamp, Error> {
    Ok(Timestamp::from_datetime(row.try_get(at)?))
}

pub(crate) fn unsigned(row: &PgRow, at: usize) -> Result<u64, Error> {
    let value: i64 = row.try_get(at)?;
    u64::try_from(value).map_err(|cause| unreadable(at, cause))
}

pub(crate) fn parsed<T>(row: &PgRow, at: usize) -> Result<T, Error>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    text(row, at)?
        .parse()
        .map_err(|cause| unreadable(at, cause))
}

pub(crate) fn is_present(row: &PgRow, at: usize) -> Result<bool, Error> {
    Ok(!row.try_get_raw(at)?.is_null())
}

pub(crate) fn text(row: &PgRow, at: usize) -> Result<&str, Error> {
    Ok(row.try_get(at)?)
}

pub(crate) fn unreadable(
    column: usize,
    cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::Column {
        column,
        cause: cause.into(),
    }
}
