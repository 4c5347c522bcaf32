//! What the service asks for itself.

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{OwnedKeys, UploadId};
use moc_uploads_core::time::Timestamp;
use sqlx::Row;

use crate::decode;
use crate::error::Error;
use crate::sql::Database;

/// The server's time. Also tells whether the schema is there.
pub(super) async fn ping(db: &Database) -> Result<Timestamp, Error> {
    let query = sqlx::query(include_str!("../../queries/store_ping.sql"));
    let row = db.first(query).await?.ok_or(sqlx::Error::RowNotFound)?;
    decode::timestamp(&row, 0)
}

pub(super) async fn database_id(db: &Database) -> Result<String, Error> {
    let query = sqlx::query(include_str!("../../queries/database_id.sql"));
    let row = db.first(query).await?.ok_or(Error::NoIdentity)?;
    Ok(row.try_get(0)?)
}

/// In pieces: all at once might take longer than a statement may, and then would each time.
pub(super) async fn prune(db: &Database, before: Timestamp) -> Result<(), Error> {
    const LIMIT: i64 = 1000;
    loop {
        let query = sqlx::query(include_str!("../../queries/idempotency_prune.sql"))
            .bind(before.to_datetime())
            .bind(LIMIT);
        let row = db.first(query).await?.ok_or(sqlx::Error::RowNotFound)?;
        if row.try_get::<i64, _>(0)? < LIMIT {
            return Ok(());
        }
    }
}

pub(super) async fn owned_keys(db: &Database, keys: &[ObjectKey]) -> Result<OwnedKeys, Error> {
    let keys: Vec<_> = keys.iter().map(|key| key.as_str().to_owned()).collect();
    let query = sqlx::query(include_str!("../../queries/file_list_owned.sql")).bind(keys);
    let mut owned = OwnedKeys::default();
    for row in db.all(query).await? {
        let key = decode::object_key(&row, 0)?;
        match decode::parsed(&row, 1)? {
            FileStatus::Pending | FileStatus::Uploading => {
                let upload_id: Option<String> = row.try_get(2)?;
                let upload_id = UploadId(upload_id.unwrap_or_default());
                owned.uploading.extend(key.map(|key| (key, upload_id)));
            }
            FileStatus::Completed => owned.completed.extend(key),
            FileStatus::Failed => {}
        }
    }
    Ok(owned)
}
