//! Removes what a crash left in a bucket, where everything can't be looked through at start.

use super::Uploads;
use super::free_storage::while_answered;
use crate::causes;
use crate::error::Error;
use crate::object_key::ObjectKey;
use crate::ports::{EndedSession, StartedUpload, Upload};

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
        let aborted = self.abort_orphans().await;
        // Not every store lists uploads, or lets us.
        let rechecked = self.recheck_freed().await?;
        Ok(SweptOrphans {
            aborted: aborted?,
            rechecked,
        })
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
        let is_owned = |upload: &Upload| owned.get(&upload.key) == Some(&upload.id);
        let orphans: Vec<_> = old.iter().filter(|old| !is_owned(&old.upload)).collect();
        let worked = while_answered(&orphans, |orphan| self.abort_orphan(orphan));
        Ok(worked.await.done)
    }

    async fn abort_orphan(&self, orphan: &StartedUpload) -> Result<(), Error> {
        let StartedUpload { upload, started_at } = orphan;
        if let Err(error) = self.deps.objects.abort_upload(upload).await {
            let cause = causes(&error);
            tracing::warn!(object_key = %upload.key, error = cause, "orphaned upload not aborted");
            return Err(error.into());
        }
        tracing::info!(object_key = %upload.key, %started_at, "orphaned upload aborted");
        Ok(())
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
            let worked = while_answered(&freed, |ended| self.try_to_recheck(ended)).await;
            rechecked += worked.done;
            if worked.is_given_up {
                return Ok(rechecked);
            }
        }
    }

    async fn try_to_recheck(&self, ended: &EndedSession) -> Result<(), Error> {
        let rechecked = self.recheck_session(ended).await;
        if let Err(error) = &rechecked {
            tracing::warn!(
                session_id = %ended.session.id,
                error = error.causes(),
                "freed storage not looked at again, trying again in the next run"
            );
        }
        rechecked
    }

    async fn recheck_session(&self, ended: &EndedSession) -> Result<(), Error> {
        self.free_uploads(&ended.uploads).await?;
        let sessions = &self.deps.sessions;
        sessions
            .mark_session_rechecked(ended.session.id, self.now())
            .await?;
        Ok(())
    }
}
