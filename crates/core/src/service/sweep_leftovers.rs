//! Removes what a crash left in the object store.

use super::Uploads;
use crate::error::Error;
use crate::ports::{Upload, UploadId};

const PAGE: usize = 500;

impl Uploads {
    /// Removes parts and objects that no row owns: those of a registration that was never recorded,
    /// or of a completion that lost a race against the end of its session. To be run once at
    /// start, before requests are taken.
    ///
    /// # Errors
    /// Those of the stores.
    pub async fn sweep_leftovers(&self) -> Result<usize, Error> {
        let objects = &self.deps.objects;
        let mut removed = 0;
        let mut after = None;
        loop {
            let keys = objects.list_keys(after.as_ref(), PAGE).await?;
            let Some(last) = keys.last() else {
                break;
            };
            after = Some(last.clone());
            let owned = self.deps.sessions.owned_keys(&keys).await?;
            for key in keys {
                if owned.uploading.contains(&key) {
                    continue;
                }
                let is_completed = owned.completed.contains(&key);
                let upload = Upload {
                    key,
                    id: UploadId(String::new()),
                };
                objects.abort_upload(&upload).await?;
                if !is_completed {
                    objects.delete_object(&upload.key).await?;
                    removed += 1;
                    tracing::info!(object_key = %upload.key, "leftover removed");
                }
            }
        }
        Ok(removed)
    }
}
