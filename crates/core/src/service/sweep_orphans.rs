//! Removes what a crash left in a bucket, where everything can't be looked through at start.

use super::Uploads;
use crate::error::Error;
use crate::object_key::ObjectKey;
use crate::ports::StartedUpload;

const PAGE: usize = 1000;

const BATCH: u32 = 100;

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweptOrphans {
    /// Uploads aborted that no row knows.
    pub aborted: usize,
    /// Sessions whose freed storage was looked at again.
    pub rechecked: usize,
}

impl Uploads {
    /// Aborts uploads of this stage that are older than `orphan_age` and belong to no file that
    /// takes parts, and frees once more what ended sessions held that were freed before then: a
    /// part or an object may have come after that, by a request whose server died. Safe on every
    /// replica at once; what fails is tried again in the next run.
    ///
    /// # Errors
    /// Those of the database, and of listing a bucket. Storage that is not freed is logged.
    pub async fn sweep_orphans(&self) -> Result<SweptOrphans, Error> {
        let aborted = self.abort_orphans().await?;
        let rechecked = self.recheck_freed().await?;
        Ok(SweptOrphans { aborted, rechecked })
    }

    async fn abort_orphans(&self) -> Result<usize, Error> {
        let started_before = self.now() - self.settings().orphan_age;
        let objects = &self.deps.objects;
        let prefix = ObjectKey::prefix(&self.settings().stage);
        let mut aborted = 0;
        let mut after = None;
        loop {
            let page = objects.list_uploads(&prefix, after.as_ref(), PAGE).await?;
            let mut old = page.uploads;
            old.retain(|started| started.started_at < started_before);
            aborted += self.abort_unowned(&old).await?;
            after = page.next;
            if after.is_none() {
                return Ok(aborted);
            }
        }
    }

    async fn abort_unowned(&self, old: &[StartedUpload]) -> Result<usize, Error> {
        if old.is_empty() {
            return Ok(0);
        }
        let keys: Vec<_> = old.iter().map(|old| old.upload.key.clone()).collect();
        let owned = self.deps.sessions.owned_keys(&keys).await?.uploading;
        let mut aborted = 0;
        for StartedUpload { upload, started_at } in old {
            if owned.get(&upload.key) != Some(&upload.id) {
                if let Err(error) = self.deps.objects.abort_upload(upload).await {
                    tracing::warn!(object_key = %upload.key, %error, "orphaned upload not aborted");
                    continue;
                }
                aborted += 1;
                tracing::info!(object_key = %upload.key, %started_at, "orphaned upload aborted");
            }
        }
        Ok(aborted)
    }

    async fn recheck_freed(&self) -> Result<usize, Error> {
        let freed_before = self.now() - self.settings().orphan_age;
        let sessions = &self.deps.sessions;
        let mut rechecked = 0;
        let mut after = None;
        loop {
            let freed = sessions
                .sessions_to_recheck(freed_before, after, BATCH)
                .await?;
            let Some(last) = freed.last() else {
                return Ok(rechecked);
            };
            after = Some(last.session.id);
            for ended in &freed {
                let id = ended.session.id;
                if let Err(error) = self.free_uploads(&ended.uploads).await {
                    tracing::warn!(session_id = %id, %error, "freed storage not looked at again");
                    continue;
                }
                sessions.mark_session_rechecked(id, self.now()).await?;
                rechecked += 1;
            }
        }
    }
}
