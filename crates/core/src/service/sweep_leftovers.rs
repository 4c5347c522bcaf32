//! Removes what a crash left in the object store.

use super::Uploads;
use crate::error::Error;

const PAGE: usize = 500;

impl Uploads {
    /// Removes parts and objects that no row owns: those of a registration that was never recorded,
    /// or of a completion that lost a race against the end of its session. To be run once at
    /// start, before requests are taken.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the object store holds the files of another database: nothing is
    /// removed then. Those of the stores.
    pub async fn sweep_leftovers(&self) -> Result<usize, Error> {
        let objects = &self.deps.objects;
        let database_id = self.deps.sessions.database_id().await?;
        if !objects.bind(&database_id).await? {
            return Err(Error::conflict(
                "The object store holds the files of another database. Start with the two that \
                 belong together.",
            ));
        }
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
                if owned.uploading.contains_key(&key) {
                    continue;
                }
                objects.remove_leftover_parts(&key).await?;
                if !owned.completed.contains(&key) {
                    objects.delete_object(&key).await?;
                    removed += 1;
                    tracing::info!(object_key = %key, "leftover removed");
                }
            }
        }
        Ok(removed)
    }
}
