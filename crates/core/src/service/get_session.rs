//! A session's state, files and what has arrived (CONTRACT section 1.10).

use super::{Uploads, owned_session};
use crate::error::Error;
use crate::ids::SessionId;
use crate::ports::SessionDetail;
use crate::principal::Principal;
use crate::session::SessionStatus;

/// A session as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Its status now.
    pub status: SessionStatus,
    /// The rest.
    pub detail: SessionDetail,
}

impl Uploads {
    /// A session of the caller. Reading is not activity.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn get_session(
        &self,
        principal: &Principal,
        session_id: SessionId,
    ) -> Result<SessionView, Error> {
        let detail = self
            .deps
            .sessions
            .session_detail(session_id)
            .await?
            .ok_or(Error::NotFound("session"))?;
        let session = owned_session(detail.summary.session.clone(), &principal.user_id)?;
        Ok(SessionView {
            status: session.status_at(self.now()),
            detail,
        })
    }
}
