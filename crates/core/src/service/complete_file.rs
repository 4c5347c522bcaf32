//! Assembles a file from its parts (CONTRACT section 1.5).

use std::collections::BTreeSet;

use super::{Uploads, reachable_file, require_active, settle};
use crate::error::Error;
use crate::file::{FileHash, FileStatus, UploadFile};
use crate::ids::{FileId, SessionId};
use crate::part::{Part, PartReceipt};
use crate::plan::PartPlan;
use crate::ports::{
    Activity, CompleteFile, CompleteFileOutcome, CompleteUpload, CompleteUploadOutcome,
};
use crate::principal::{Access, Principal};
use crate::session::{Extension, Session, SessionStatus};
use crate::time::Timestamp;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedFile {
    /// The file.
    pub file_id: FileId,
    /// Where it can be had.
    pub file_url: String,
    /// When this extended the session.
    pub extension: Option<Extension>,
}

impl Uploads {
    /// Assembles a file whose parts have all arrived. Completing a completed file gives the same
    /// answer again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SessionExpired`], [`Error::SessionNotActive`],
    /// [`Error::PartCountMismatch`], [`Error::InvalidPart`], [`Error::ChecksumMismatch`] for a
    /// declared SHA-256 that the bytes do not have; then the file stays uncompleted.
    pub async fn complete_file(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
        receipts: Vec<PartReceipt>,
    ) -> Result<CompletedFile, Error> {
        let started_at = self.now();
        let (target, parts) = match self
            .deps
            .sessions
            .file_with_parts(session_id, file_id)
            .await?
        {
            Some(found) => (Some(found.target), found.parts),
            None => (None, Vec::new()),
        };
        let (session, file) = reachable_file(target, Access::Owner(&principal.user_id))?;
        if let Some(completed) = completed_before(&session, &file, started_at) {
            return Ok(completed);
        }
        require_active(&session, started_at)?;
        let upload = file
            .upload()
            .ok_or_else(|| Error::conflict("The file has no upload that could be completed."))?;

        let plan = file.plan(session.part_size_bytes);
        let complete = CompleteUpload {
            parts: check_receipts(plan, &parts, receipts)?,
            plan,
            sha256: file.metadata.hash.as_ref().and_then(FileHash::sha256),
        };
        let joined = complete.parts.clone();
        let etag = match self.deps.objects.complete_upload(&upload, complete).await? {
            CompleteUploadOutcome::Completed(etag) => etag,
            CompleteUploadOutcome::ChecksumMismatch { actual, .. } => {
                return Err(Error::ChecksumMismatch(format!(
                    "The assembled file has the SHA-256 {actual}, not the declared {}; send the \
                     parts that differ again, or cancel the session.",
                    file.metadata.hash.as_ref().map_or("", FileHash::as_str)
                )));
            }
            CompleteUploadOutcome::PartsDiffer => {
                return Err(Error::internal(format!(
                    "the store does not hold the recorded parts of file {file_id}"
                )));
            }
            CompleteUploadOutcome::NoSuchUpload => {
                return self
                    .completed_meanwhile(principal, session_id, file_id)
                    .await;
            }
        };

        let now = self.now();
        let file_url = self
            .deps
            .objects
            .object_url(session_id, file_id, &upload.key);
        let activity = self
            .deps
            .sessions
            .complete_file(CompleteFile {
                session_id,
                file_id,
                etag,
                parts: joined,
                file_url: file_url.clone(),
                now,
                extension: self.settings().extension,
            })
            .await?;
        if let Activity::SessionClosed(Some(ended)) = &activity
            && ended.stored_status != SessionStatus::Active
        {
            // The session was freed while the file was assembled: nobody else removes the object.
            if let Err(error) = self.deps.objects.delete_object(&upload.key).await {
                tracing::warn!(%error, object_key = %upload.key, "object not removed");
            }
        }
        let extension = match settle(activity, &session, now, "complete_file")? {
            (CompleteFileOutcome::Completed, extension) => extension,
            (CompleteFileOutcome::AlreadyCompleted, _) => {
                warn_completed_before(&file);
                return Ok(CompletedFile {
                    file_id,
                    file_url,
                    extension: None,
                });
            }
            (CompleteFileOutcome::NoSuchFile, _) => return Err(Error::NotFound("file")),
        };
        self.note(session_id);
        tracing::info!(
            %session_id,
            %file_id,
            category = %file.metadata.category,
            size_bytes = file.metadata.size_bytes,
            elapsed_ms = now.since(file.created_at).as_millis() as u64,
            "file completed"
        );
        Ok(CompletedFile {
            file_id,
            file_url,
            extension,
        })
    }

    /// Upload and object are both gone: either another call has completed the file just now, or
    /// its session has ended.
    async fn completed_meanwhile(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
    ) -> Result<CompletedFile, Error> {
        let now = self.now();
        let target = self.deps.sessions.file(session_id, file_id).await?;
        let (session, file) = reachable_file(target, Access::Owner(&principal.user_id))?;
        if let Some(completed) = completed_before(&session, &file, now) {
            return Ok(completed);
        }
        require_active(&session, now)?;
        Err(Error::internal(format!(
            "neither upload nor object of file {file_id} is there"
        )))
    }
}

fn completed_before(session: &Session, file: &UploadFile, now: Timestamp) -> Option<CompletedFile> {
    let is_kept = matches!(
        session.status_at(now),
        SessionStatus::Active | SessionStatus::Completed
    );
    if file.status != FileStatus::Completed || !is_kept {
        return None;
    }
    warn_completed_before(file);
    Some(CompletedFile {
        file_id: file.id,
        file_url: file.file_url.clone()?,
        extension: None,
    })
}

fn warn_completed_before(file: &UploadFile) {
    tracing::warn!(
        session_id = %file.session_id,
        file_id = %file.id,
        "file was completed before"
    );
}

/// The client's list against what has arrived and against the plan; what the store is to join, in
/// order.
fn check_receipts(
    plan: PartPlan,
    parts: &[Part],
    receipts: Vec<PartReceipt>,
) -> Result<Vec<PartReceipt>, Error> {
    let mut unexpected = BTreeSet::new();
    let mut named = BTreeSet::new();
    for receipt in &receipts {
        if !plan.contains(receipt.part_number) || !named.insert(receipt.part_number) {
            unexpected.insert(receipt.part_number);
        }
    }
    let recorded = |part_number: u32| {
        parts
            .binary_search_by_key(&part_number, |part| part.part_number)
            .ok()
            .map(|index| &parts[index])
    };
    let missing: Vec<u32> = (1..=plan.part_count())
        .filter(|number| !named.contains(number) || recorded(*number).is_none())
        .collect();
    if !missing.is_empty() || !unexpected.is_empty() {
        return Err(Error::PartCountMismatch {
            expected: plan.part_count(),
            missing,
            unexpected: unexpected.into_iter().collect(),
        });
    }

    let mut receipts = receipts;
    receipts.sort_by_key(|receipt| receipt.part_number);
    let wrong = receipts.iter().find(|receipt| {
        recorded(receipt.part_number).is_none_or(|part| {
            part.etag != receipt.etag || part.size_bytes != plan.part_len(part.part_number)
        })
    });
    match wrong {
        Some(receipt) => Err(Error::InvalidPart {
            part_number: receipt.part_number,
        }),
        None => Ok(receipts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::part::ETag;

    fn receipts(of: &[(u32, &str)]) -> Vec<PartReceipt> {
        of.iter()
            .map(|(part_number, etag)| PartReceipt {
                part_number: *part_number,
                etag: ETag::parse(etag),
            })
            .collect()
    }

    fn check(arrived: &[u32], named: &[(u32, &str)]) -> Result<Vec<PartReceipt>, Error> {
        let plan = PartPlan::new(25, 10);
        let parts: Vec<Part> = arrived
            .iter()
            .map(|part_number| Part {
                part_number: *part_number,
                etag: ETag::parse("e"),
                size_bytes: plan.part_len(*part_number),
                uploaded_at: Timestamp::from_unix_ms(0),
            })
            .collect();
        check_receipts(plan, &parts, receipts(named))
    }

    #[test]
    fn any_order_will_do_and_the_store_gets_them_in_order() {
        let checked = check(&[1, 2, 3], &[(3, "e"), (1, "\"e\""), (2, "e")]).unwrap();
        let numbers: Vec<u32> = checked.iter().map(|part| part.part_number).collect();
        assert_eq!(numbers, [1, 2, 3]);
    }

    #[test]
    fn missing_extra_double_and_wrong_parts_are_told_apart() {
        let mismatch = |result: Result<_, Error>| match result {
            Err(Error::PartCountMismatch {
                expected,
                missing,
                unexpected,
            }) => (expected, missing, unexpected),
            other => panic!("{other:?}"),
        };
        let all = [(1, "e"), (2, "e"), (3, "e")];
        assert_eq!(mismatch(check(&[1, 3], &all)), (3, vec![2], vec![]));
        assert_eq!(
            mismatch(check(&[1, 2, 3], &all[..1])),
            (3, vec![2, 3], vec![])
        );
        assert_eq!(
            mismatch(check(
                &[1, 2, 3],
                &[(1, "e"), (1, "e"), (2, "e"), (3, "e"), (4, "e")]
            )),
            (3, vec![], vec![1, 4])
        );
        let wrong = check(&[1, 2, 3], &[(1, "e"), (2, "x"), (3, "e")]).unwrap_err();
        assert_eq!(wrong.code(), ErrorCode::InvalidPart);
    }
}
