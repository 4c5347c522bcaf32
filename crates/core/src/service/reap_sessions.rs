//! Reclaims abandoned sessions (CONTRACT section 1.9).

use std::time::Duration;

use super::Uploads;
use crate::error::Error;
use crate::ports::{EndedSession, Upload};

const BATCH: u32 = 100;

/// Idempotency keys and daily counts are forgotten after this; both matter for a day.
const KEEP: Duration = Duration::from_secs(48 * 60 * 60);

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Sessions marked expired.
    pub expired: usize,
    /// Sessions whose storage was freed.
    pub freed: usize,
}

impl Uploads {
    /// Marks what has expired, frees what ended sessions hold, forgets what is too old to matter.
    /// Safe on every replica at once; what fails is tried again in the next run.
    ///
    /// # Errors
    /// Those of the database. A store that fails is logged, its session stays to be freed.
    pub async fn reap_sessions(&self) -> Result<Reaped, Error> {
        let now = self.now();
        let sessions = &self.deps.sessions;
        let mut reaped = Reaped::default();
        loop {
            let expired = sessions
                .expire_sessions(now, self.settings().finalize_lock_ttl, BATCH)
                .await?;
            for session in &expired {
                self.note(session.id);
                tracing::info!(
                    session_id = %session.id,
                    user = %session.user_id,
                    expires_at = %session.expires_at,
                    "session expired"
                );
            }
            reaped.expired += expired.len();
            if expired.len() < BATCH as usize {
                break;
            }
        }
        let mut after = None;
        loop {
            let ended = sessions.sessions_to_free(after, BATCH).await?;
            let Some(last) = ended.last() else {
                break;
            };
            after = Some(last.session.id);
            for session in &ended {
                match self.free_session(session).await {
                    Ok(()) => reaped.freed += 1,
                    Err(error) => tracing::warn!(
                        session_id = %session.session.id,
                        %error,
                        "storage not freed, trying again in the next run"
                    ),
                }
            }
        }
        sessions.prune(now - KEEP).await?;
        Ok(reaped)
    }

    /// Frees what an ended session holds. Safe to repeat.
    pub(super) async fn free_session(&self, ended: &EndedSession) -> Result<(), Error> {
        self.free_uploads(&ended.uploads).await?;
        self.deps
            .sessions
            .mark_session_freed(ended.session.id, self.now())
            .await?;
        tracing::info!(
            session_id = %ended.session.id,
            upload_count = ended.uploads.len(),
            "session storage freed"
        );
        Ok(())
    }

    /// Removes what uploads that are over hold, joined or not. Safe to repeat.
    pub(super) async fn free_uploads(&self, uploads: &[Upload]) -> Result<(), Error> {
        for upload in uploads {
            self.deps.objects.abort_upload(upload).await?;
            self.deps.objects.delete_object(&upload.key).await?;
        }
        Ok(())
    }
}
