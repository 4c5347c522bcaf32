//! Assembles a file from its parts (CONTRACT section 1.5).

use super::held_parts::reachable_parts;
use super::receipts::check_receipts;
use super::{Uploads, reachable_file, require_active, settle};
use crate::causes;
use crate::error::Error;
use crate::file::{FileHash, FileStatus, UploadFile};
use crate::ids::{FileId, SessionId};
use crate::part::{Part, PartReceipt};
use crate::ports::{
    Activity, CompleteFile, CompleteFileOutcome, CompleteUpload, CompleteUploadOutcome, HeldParts,
    Upload,
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
    /// [`Error::PartCountMismatch`], [`Error::InvalidPart`], [`Error::PartSizeMismatch`],
    /// [`Error::ChecksumMismatch`] for a declared SHA-256 that the bytes do not have; then the
    /// file stays uncompleted.
    pub async fn complete_file(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
        receipts: Vec<PartReceipt>,
    ) -> Result<CompletedFile, Error> {
        let started_at = self.now();
        let sessions = &self.deps.sessions;
        let found = sessions.completion_target(session_id, file_id).await?;
        let (session, file, recorded) = reachable_parts(found, principal)?;
        if let Some(completed) = completed_before(&session, &file, started_at) {
            return Ok(completed);
        }
        require_active(&session, started_at)?;
        let upload = file
            .upload()
            .ok_or_else(|| Error::conflict("The file has no upload that could be completed."))?;

        let (joined, outcome) = self
            .assemble(&session, &file, &upload, &recorded, &receipts)
            .await?;
        let etag = match outcome {
            CompleteUploadOutcome::Completed(etag) => etag,
            CompleteUploadOutcome::ChecksumMismatch {
                actual,
                is_upload_kept,
            } => {
                if !is_upload_kept {
                    self.restart_upload(&file, &upload).await?;
                }
                return Err(wrong_sha256(&file, &actual));
            }
            CompleteUploadOutcome::PartsDiffer => {
                return Err(Error::internal(format!(
                    "the store lists the parts of file {file_id} but does not join them"
                )));
            }
            CompleteUploadOutcome::NoSuchUpload => {
                return self
                    .completed_meanwhile(principal, session_id, file_id, &upload)
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
                tracing::warn!(error = causes(&error), object_key = %upload.key, "object not removed");
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

    /// Joins the parts that the client names, when they are what has arrived. What clients put
    /// straight into a bucket only the store knows: it is asked where the records do not agree
    /// with the client, or the store not with the records.
    async fn assemble(
        &self,
        session: &Session,
        file: &UploadFile,
        upload: &Upload,
        recorded: &[Part],
        receipts: &[PartReceipt],
    ) -> Result<(Vec<PartReceipt>, CompleteUploadOutcome), Error> {
        let plan = file.plan(session.part_size_bytes);
        let ask = async || self.held_parts(session, file, upload, recorded).await;
        let mut joined = match check_receipts(plan, recorded, receipts) {
            Ok(joined) => joined,
            Err(error) => match ask().await? {
                HeldParts::Parts(held) => check_receipts(plan, &held, receipts)?,
                // What is wrong with the list is wrong whatever has become of the upload.
                HeldParts::AsRecorded | HeldParts::NoSuchUpload => return Err(error),
            },
        };
        let mut is_asked = false;
        loop {
            let complete = CompleteUpload {
                parts: joined.clone(),
                plan,
                sha256: self.sha256_to_verify(file),
            };
            match self.deps.objects.complete_upload(upload, complete).await? {
                CompleteUploadOutcome::PartsDiffer if !is_asked => {
                    joined = match ask().await? {
                        HeldParts::Parts(held) => check_receipts(plan, &held, receipts)?,
                        HeldParts::NoSuchUpload => {
                            return Ok((joined, CompleteUploadOutcome::NoSuchUpload));
                        }
                        HeldParts::AsRecorded => {
                            return Err(Error::internal(format!(
                                "the store does not hold what it should of file {}",
                                file.id
                            )));
                        }
                    };
                    is_asked = true;
                }
                outcome => return Ok((joined, outcome)),
            }
        }
    }

    /// What the bytes of a file must hash to, where that was declared and is verified.
    pub(super) fn sha256_to_verify(&self, file: &UploadFile) -> Option<[u8; 32]> {
        let hash = file.metadata.hash.as_ref()?;
        self.settings().verify_hash.then(|| hash.sha256())?
    }

    /// Upload and object are both gone: another call has completed the file just now, or its
    /// session has ended, or the store has lost the upload.
    async fn completed_meanwhile(
        &self,
        principal: &Principal,
        session_id: SessionId,
        file_id: FileId,
        gone: &Upload,
    ) -> Result<CompletedFile, Error> {
        let now = self.now();
        let target = self.deps.sessions.file(session_id, file_id).await?;
        let (session, file) = reachable_file(target, Access::Owner(&principal.user_id))?;
        if let Some(completed) = completed_before(&session, &file, now) {
            return Ok(completed);
        }
        require_active(&session, now)?;
        self.restart_upload(&file, gone).await?;
        let expected = file.plan(session.part_size_bytes).part_count();
        Err(Error::PartCountMismatch {
            expected,
            missing: (1..=expected).collect(),
            unexpected: Vec::new(),
        })
    }
}

fn wrong_sha256(file: &UploadFile, actual: &str) -> Error {
    Error::ChecksumMismatch(format!(
        "The assembled file has the SHA-256 {actual}, not the declared {}; list its parts, send \
         those that differ or are missing, or cancel the session.",
        file.metadata.hash.as_ref().map_or("", FileHash::as_str)
    ))
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
