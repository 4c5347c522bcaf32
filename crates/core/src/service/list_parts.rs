//! What has arrived of a file (CONTRACT section 1, endpoint 8).

use super::{Uploads, reachable_file};
use crate::error::Error;
use crate::ids::{FileId, SessionId};
use crate::part::Part;
use crate::principal::{Access, Principal};

impl Uploads {
    /// The recorded parts of a file, in order: what a client need not send again. Reading is not
    /// activity.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn list_parts(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Vec<Part>, Error> {
        let (target, parts) = match self
            .deps
            .sessions
            .file_with_parts(session_id, file_id)
            .await?
        {
            Some(found) => (Some(found.target), found.parts),
            None => (None, Vec::new()),
        };
        reachable_file(target, Access::Owner(&principal.user_id))?;
        Ok(parts)
    }
}
