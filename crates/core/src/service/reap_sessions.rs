//! Reclaims abandoned sessions (CONTRACT section 1.9).

use std::time::Duration;

use super::Uploads;
use super::free_storage::while_answered;
use crate::error::Error;
use crate::ports::EndedSession;

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
    /// Those of the database. A store that fails is logged, its session stays to be freed; one that
    /// does not answer at all ends the freeing, not the rest.
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
            let worked = while_answered(&ended, |session| self.try_to_free(session)).await;
            reaped.freed += worked.done;
            if worked.is_given_up {
                break;
            }
        }
        sessions.prune(now - KEEP).await?;
        Ok(reaped)
    }
    async fn try_to_free(&self, ended: &EndedSession) -> Result<(), Error> {
        let freed = self.free_session(ended).await;
        if let Err(error) = &freed {
            tracing::warn!(
                session_id = %ended.session.id,
                error = error.causes(),
                "storage not freed, trying again in the next run"
            );
        }
        freed
    }
}
