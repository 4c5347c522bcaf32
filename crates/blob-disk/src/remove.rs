//! Freeing what is not needed any more. Removals are not synced: what a power loss brings back is
//! owned by nobody and swept at the next start.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::ObjectStoreError;

use crate::error::{blocking, if_found, store_error};
use crate::store::Inner;

pub(crate) async fn abort_upload(
    inner: &Arc<Inner>,
    key: &ObjectKey,
) -> Result<(), ObjectStoreError> {
    let (inner, key) = (Arc::clone(inner), key.clone());
    let state = inner.uploads.get(&key);
    let exclusive = Arc::clone(&state.exclusive).lock_owned().await;
    blocking(move || {
        let _exclusive = exclusive;
        if_found(std::fs::remove_file(inner.layout.data(&key)))?;
        remove_parts(&inner.layout.parts(&key))?;
        inner.uploads.forget(&key);
        Ok(())
    })
    .await?
    .map_err(store_error)
}

pub(crate) async fn delete_object(
    inner: &Arc<Inner>,
    key: &ObjectKey,
) -> Result<(), ObjectStoreError> {
    let path = inner.layout.object(key);
    blocking(move || if_found(std::fs::remove_file(path)))
        .await?
        .map(drop)
        .map_err(store_error)
}

/// Removes a folder of re-sent parts, also when one more arrives meanwhile.
pub(crate) fn remove_parts(folder: &Path) -> io::Result<()> {
    const ATTEMPTS: usize = 8;
    for _ in 1..ATTEMPTS {
        match if_found(std::fs::remove_dir_all(folder)) {
            Err(error) if error.kind() == ErrorKind::DirectoryNotEmpty => {}
            result => return result.map(drop),
        }
    }
    if_found(std::fs::remove_dir_all(folder)).map(drop)
}
