//! Cancels a session (CONTRACT section 1.10).

use super::Uploads;
use crate::error::Error;
use crate::ids::SessionId;
use crate::ports::{CancelSessionOutcome, EndedSession};
use crate::principal::Principal;

impl Uploads {
    /// Cancels a session. What it stored, completed files included, is then to be freed by
    /// [`Uploads::free_cancelled`], or else by the reaper. Repeating it, or cancelling an expired
    /// session, changes nothing and is no error.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] for a session that is or is being finalized.
    pub async fn cancel_session(
        &self,
        principal: &Principal,
        session_id: SessionId,
    ) -> Result<Option<EndedSession>, Error> {
        let now = self.now();
        let outcome = self
            .deps
            .sessions
            .cancel_session(
                session_id,
                &principal.user_id,
                now,
                self.settings().finalize_lock_ttl,
            )
            .await?;
        match outcome {
            CancelSessionOutcome::Cancelled(ended) => {
                self.note(session_id);
                tracing::info!(
                    %session_id,
                    elapsed_ms = now.since(ended.session.created_at).as_millis() as u64,
                    "session cancelled"
                );
                Ok(Some(ended))
            }
            CancelSessionOutcome::AlreadyEnded => Ok(None),
            CancelSessionOutcome::Completed => Err(Error::conflict(
                "The session is finalized and can't be cancelled; its MOC exists.",
            )),
            CancelSessionOutcome::Finalizing => Err(Error::conflict(
                "The session is being finalized; try again when that is over.",
            )),
            CancelSessionOutcome::NoSuchSession => Err(Error::NotFound("session")),
        }
    }

    /// Frees what a session held that was just cancelled. The reaper frees what stays.
    pub async fn free_cancelled(&self, ended: &EndedSession) {
        if let Err(error) = self.free_session(ended).await {
            tracing::warn!(
                session_id = %ended.session.id,
                error = error.causes(),
                "storage not freed yet, the reaper will"
            );
        }
    }
}
