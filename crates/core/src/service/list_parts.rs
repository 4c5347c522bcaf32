//! What has arrived of a file (CONTRACT section 1, endpoint 8).

use super::Uploads;
use super::held_parts::{is_right, reachable_parts};
use crate::error::Error;
use crate::file::FileStatus;
use crate::ids::{FileId, SessionId};
use crate::part::Part;
use crate::ports::HeldParts;
use crate::principal::Principal;
use crate::session::SessionStatus;

impl Uploads {
    /// The parts of a file that have arrived, in order: what a client need not send again. The
    /// object store is asked while some are not recorded: they may have been put there directly.
    /// Reading is not activity.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn list_parts(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<Vec<Part>, Error> {
        let sessions = &self.deps.sessions;
        let found = sessions.file_with_parts(session_id, file_id).await?;
        let (session, file, recorded) = reachable_parts(found, principal)?;
        let plan = file.plan(session.part_size_bytes);
        let takes_parts = session.status_at(self.now()) == SessionStatus::Active
            && matches!(file.status, FileStatus::Pending | FileStatus::Uploading);
        let upload = match file.upload() {
            Some(upload) if takes_parts && recorded.len() < plan.part_count() as usize => upload,
            _ => return Ok(recorded),
        };
        let held = self.held_parts(&session, &file, &upload, &recorded).await?;
        Ok(match held {
            HeldParts::Parts(mut held) => {
                held.retain(|part| is_right(plan, part));
                held
            }
            HeldParts::AsRecorded | HeldParts::NoSuchUpload => recorded,
        })
    }
}
