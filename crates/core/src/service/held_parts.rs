//! What has arrived of a file: by the records, and by the object store where clients reach it
//! themselves (CONTRACT section 1.3).

use super::{Uploads, reachable_file, settle};
use crate::error::Error;
use crate::file::UploadFile;
use crate::part::Part;
use crate::plan::PartPlan;
use crate::ports::{FileWithParts, HeldPart, HeldParts, RecordHeldParts, RestartUpload, Upload};
use crate::principal::{Access, Principal};
use crate::session::Session;

impl Uploads {
    /// What the store holds of a file that takes parts. What is right about it and not among
    /// `recorded` is recorded before it is told, and before it is joined: a bucket does not list what
    /// it has joined, so after a crash only the records tell that a client's list is right.
    pub(super) async fn held_parts(
        &self,
        session: &Session,
        file: &UploadFile,
        upload: &Upload,
        recorded: &[Part],
    ) -> Result<HeldParts, Error> {
        let held = match self.deps.objects.list_parts(upload).await? {
            HeldParts::Parts(held) => held,
            other => return Ok(other),
        };
        let plan = file.plan(session.part_size_bytes);
        let parts: Vec<HeldPart> = held
            .iter()
            .filter(|part| is_right(plan, part))
            .filter_map(|part| news(part, recorded))
            .collect();
        if !parts.is_empty() {
            let (now, count) = (self.now(), parts.len());
            let record = RecordHeldParts {
                session_id: session.id,
                file_id: file.id,
                upload_id: upload.id.clone(),
                parts,
                now,
            };
            // A file that was completed meanwhile takes none; whoever goes on finds that out.
            let activity = self.deps.sessions.record_held_parts(record).await?;
            settle(activity, session, now, "record_held_parts")?;
            tracing::info!(
                session_id = %session.id,
                file_id = %file.id,
                part_count = count,
                "parts found in the store"
            );
        }
        Ok(HeldParts::Parts(held))
    }

    /// Begins the upload of a file anew, since `gone` is no more; its parts have to be sent again.
    /// Once, however many call.
    pub(super) async fn restart_upload(
        &self,
        file: &UploadFile,
        gone: &Upload,
    ) -> Result<(), Error> {
        let to = self
            .deps
            .objects
            .create_upload(&gone.key, &file.metadata.content_type)
            .await?;
        let restart = RestartUpload {
            session_id: file.session_id,
            file_id: file.id,
            from: gone.id.clone(),
            to,
            now: self.now(),
        };
        // Where somebody else was first the new upload is nobody's. It can't be aborted: the disk
        // store knows the two by their common key. A bucket's is swept.
        if self.deps.sessions.restart_upload(restart).await? {
            tracing::warn!(
                session_id = %file.session_id,
                file_id = %file.id,
                "upload of a file begun anew"
            );
        }
        Ok(())
    }
}

/// A file of the caller with its session and its recorded parts, in order.
pub(super) fn reachable_parts(
    found: Option<FileWithParts>,
    principal: &Principal,
) -> Result<(Session, UploadFile, Vec<Part>), Error> {
    let (target, parts) =
        found.map_or_else(Default::default, |found| (Some(found.target), found.parts));
    let (session, file) = reachable_file(target, Access::Owner(&principal.user_id))?;
    Ok((session, file, parts))
}

/// Whether it is what the plan wants: clients may have put anything.
pub(super) fn is_right(plan: PartPlan, part: &Part) -> bool {
    plan.contains(part.part_number) && part.size_bytes == plan.part_len(part.part_number)
}

/// What is to be recorded of a part that the store holds; `None` when it is recorded.
fn news(part: &Part, recorded: &[Part]) -> Option<HeldPart> {
    let found = recorded
        .binary_search_by_key(&part.part_number, |part| part.part_number)
        .ok()
        .map(|index| recorded[index].etag.clone());
    (found.as_ref() != Some(&part.etag)).then(|| HeldPart {
        part: part.clone(),
        recorded: found,
    })
}
