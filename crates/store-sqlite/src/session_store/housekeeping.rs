//! What the service asks for itself.

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{OwnedKeys, UploadId};
use moc_uploads_core::time::Timestamp;

use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db};

/// Also tells whether the schema is there.
pub(super) fn ping(db: &Db<'_>) -> Result<(), Error> {
    sql::exists(db, include_str!("../../queries/store_ping.sql"), [])?;
    Ok(())
}

pub(super) fn database_id(db: &Db<'_>) -> Result<String, Error> {
    let id = sql::first(
        db,
        include_str!("../../queries/database_id.sql"),
        [],
        |row| Ok(row.get(0)?),
    )?;
    id.ok_or(Error::NoIdentity)
}

pub(super) fn prune(db: &Db<'_>, before: Timestamp) -> Result<(), Error> {
    sql::execute(
        db,
        include_str!("../../queries/idempotency_prune.sql"),
        [before.unix_ms()],
    )?;
    sql::execute(
        db,
        include_str!("../../queries/daily_upload_prune.sql"),
        [before.utc_day()],
    )?;
    Ok(())
}

pub(super) fn owned_keys(db: &Db<'_>, keys: &[ObjectKey]) -> Result<OwnedKeys, Error> {
    let keys: Vec<_> = keys.iter().map(ObjectKey::as_str).collect();
    let rows = sql::all(
        db,
        include_str!("../../queries/file_list_owned.sql"),
        [serde_json::to_string(&keys)?],
        |row| {
            let upload_id: Option<String> = row.get(2)?;
            Ok((
                decode::object_key(row, 0)?,
                decode::parsed(row, 1)?,
                upload_id,
            ))
        },
    )?;
    let mut owned = OwnedKeys::default();
    for (key, status, upload_id) in rows {
        let upload_id = UploadId(upload_id.unwrap_or_default());
        match status {
            FileStatus::Pending | FileStatus::Uploading => {
                owned.uploading.extend(key.map(|key| (key, upload_id)));
            }
            FileStatus::Completed => owned.completed.extend(key),
            FileStatus::Failed => {}
        }
    }
    Ok(owned)
}
