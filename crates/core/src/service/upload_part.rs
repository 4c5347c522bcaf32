//! Takes in one part (CONTRACT section 1.4).

use super::{Uploads, reachable_file, require_active, settle};
use crate::causes;
use crate::error::Error;
use crate::file::{FileStatus, UploadFile};
use crate::ids::{FileId, SessionId};
use crate::part::ETag;
use crate::ports::{
    BodyError, Checksum, FileInSession, ObjectStoreError, PartAddress, PartBody, PutPart,
    PutPartError, RecordPart, RecordPartOutcome, Upload,
};
use crate::principal::Access;
use crate::session::{Extension, Session, SessionStatus};
use crate::time::Timestamp;

/// A part on its way in.
#[derive(Debug, Clone)]
pub struct UploadPart {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub file_id: FileId,
    /// As the client wrote it.
    pub part_number: String,
    /// `Content-Length`, where there is one.
    pub declared_bytes: Option<u64>,
    /// All must match.
    pub checksums: Vec<Checksum>,
}

/// The answer: the part is stored and recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedPart {
    /// From 1.
    pub part_number: u32,
    /// To be handed back at completion.
    pub etag: ETag,
    /// When this extended the session.
    pub extension: Option<Extension>,
}

impl Uploads {
    /// Stores and records a part. Everything that the headers tell is judged before the first
    /// byte of the body is read.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SessionExpired`], [`Error::SessionNotActive`],
    /// [`Error::Conflict`] for a completed file, [`Error::InvalidPartNumber`],
    /// [`Error::PartSizeMismatch`], [`Error::ChecksumMismatch`], [`Error::RequestTimeout`],
    /// [`Error::BodyBroken`]. Whatever it is, an earlier part of this number is intact.
    pub async fn upload_part(
        &self,
        access: Access<'_>,
        request: UploadPart,
        body: PartBody,
    ) -> Result<ReceivedPart, Error> {
        let started_at = self.now();
        // A number that is none can't be looked up, but the file that would refuse it can.
        let part_number = parse_part_number(&request.part_number).unwrap_or(0);
        let (target, is_recorded) = match self
            .deps
            .sessions
            .part_target(request.session_id, request.file_id, part_number)
            .await?
        {
            Some(found) => (Some(found.target), found.is_recorded),
            None => (None, false),
        };
        let (session, file) = reachable_file(target, access)?;
        if matches!(access, Access::Presigned) {
            tracing::Span::current().record("user", session.user_id.as_str());
        }
        let upload = check_file_takes_parts(&session, &file, started_at)?;

        let plan = file.plan(session.part_size_bytes);
        if !plan.contains(part_number) {
            return Err(Error::InvalidPartNumber {
                part_number: request.part_number,
                last: plan.part_count(),
            });
        }
        let size_bytes = plan.part_len(part_number);
        let wrong_size = |received_bytes| Error::PartSizeMismatch {
            part_number,
            expected_size_bytes: size_bytes,
            received_bytes,
        };
        if request
            .declared_bytes
            .is_some_and(|declared| declared != size_bytes)
        {
            return Err(wrong_size(request.declared_bytes));
        }

        let put = PutPart {
            part_number,
            plan,
            replaces: is_recorded,
            will_be_hashed: self.sha256_to_verify(&file).is_some(),
            checksums: request.checksums,
        };
        let etag = match self.deps.objects.put_part(&upload, put, body).await {
            Ok(etag) => etag,
            Err(error) => {
                self.abort_if_over(&session, &file, &upload).await;
                return Err(match error {
                    PutPartError::NoSuchUpload => {
                        self.upload_is_gone(&session, &file, &upload).await
                    }
                    error => put_refused(error, part_number, wrong_size),
                });
            }
        };

        let now = self.now();
        let activity = self
            .deps
            .sessions
            .record_part(RecordPart {
                session_id: session.id,
                file_id: file.id,
                upload_id: upload.id.clone(),
                part_number,
                etag: etag.clone(),
                size_bytes,
                now,
                extension: self.settings().extension,
            })
            .await?;
        let extension = match settle(activity, &session, now, "upload_part") {
            Ok((RecordPartOutcome::Recorded, extension)) => extension,
            Ok((RecordPartOutcome::NoSuchUpload, _)) => {
                return Err(self.upload_is_gone(&session, &file, &upload).await);
            }
            refused => {
                self.abort_if_over(&session, &file, &upload).await;
                return Err(match refused {
                    Ok((RecordPartOutcome::NoSuchFile, _)) => Error::NotFound("file"),
                    Ok(_) => file_is_completed(),
                    Err(error) => error,
                });
            }
        };
        tracing::info!(
            session_id = %session.id,
            file_id = %file.id,
            part_number,
            size_bytes,
            elapsed_ms = now.since(started_at).as_millis() as u64,
            "part uploaded"
        );
        Ok(ReceivedPart {
            part_number,
            etag,
            extension,
        })
    }

    /// Frees what a refused part may have left of an upload that had been freed before. Only what
    /// is written counts: a session that is merely past its time may still be extended by a
    /// request that was recorded earlier.
    async fn abort_if_over(&self, session: &Session, file: &UploadFile, upload: &Upload) {
        let is_over = match self.deps.sessions.file(session.id, file.id).await {
            Ok(Some(FileInSession {
                session,
                file: Some(file),
            })) => {
                session.stored_status != SessionStatus::Active
                    || file.status == FileStatus::Completed
            }
            Ok(_) => true,
            Err(_) => false,
        };
        if is_over && let Err(error) = self.deps.objects.abort_upload(upload).await {
            tracing::warn!(
                error = causes(&error),
                "part of a finished upload not removed"
            );
        }
    }

    /// Why the store knows the upload of a part no more: mostly because the file was completed
    /// meanwhile. Where the store has lost it, it is begun anew, and the client is to try again.
    async fn upload_is_gone(&self, session: &Session, file: &UploadFile, gone: &Upload) -> Error {
        let why = async || {
            let target = self.deps.sessions.file(session.id, file.id).await?;
            let (session, file) = reachable_file(target, Access::Presigned)?;
            let current = check_file_takes_parts(&session, &file, self.now())?;
            if self.deps.objects.object_size(&gone.key).await? == Some(file.metadata.size_bytes) {
                return Ok(Error::conflict(
                    "All parts of the file have arrived and were joined; complete the file.",
                ));
            }
            if current == *gone {
                self.restart_upload(&file, gone).await?;
            }
            Ok(Error::StorageUnavailable(ObjectStoreError::Unavailable(
                "the upload was lost and is begun anew".into(),
            )))
        };
        why().await.unwrap_or_else(|error: Error| error)
    }

    /// Whether a presigned URL of this server entitles to upload this part now.
    pub fn verify_presigned_part(
        &self,
        address: PartAddress,
        expires_at: Timestamp,
        signature: &str,
    ) -> bool {
        self.now() < expires_at
            && self
                .deps
                .objects
                .verify_part_signature(address, expires_at, signature)
    }
}

fn check_file_takes_parts(
    session: &Session,
    file: &UploadFile,
    now: Timestamp,
) -> Result<Upload, Error> {
    let status = session.status_at(now);
    if file.status == FileStatus::Completed
        && matches!(status, SessionStatus::Active | SessionStatus::Completed)
    {
        return Err(file_is_completed());
    }
    require_active(session, now)?;
    file.upload().ok_or_else(|| {
        Error::conflict("The file has no upload to take parts; register it in a new session.")
    })
}

fn put_refused(
    error: PutPartError,
    part_number: u32,
    wrong_size: impl FnOnce(Option<u64>) -> Error,
) -> Error {
    match error {
        PutPartError::Body(BodyError::Idle) => Error::RequestTimeout,
        PutPartError::Body(BodyError::Broken) => Error::BodyBroken,
        PutPartError::WrongLength { received_bytes } => wrong_size(Some(received_bytes)),
        PutPartError::ChecksumMismatch(name) => Error::ChecksumMismatch(format!(
            "The bytes of part {part_number} do not have the {name} digest that was sent with \
             them; send the part again."
        )),
        PutPartError::NoSuchUpload => file_is_completed(),
        PutPartError::TooManyVersions => Error::conflict(format!(
            "Part {part_number} was sent too often with other bytes; complete the file with those \
             that it has, or open a new session."
        )),
        PutPartError::Store(error) => error.into(),
    }
}

/// Decimal digits without a sign and without leading zeros.
fn parse_part_number(text: &str) -> Option<u32> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    is_plain.then(|| text.parse().ok()).flatten()
}

fn file_is_completed() -> Error {
    Error::conflict("The file is completed and takes no more parts.")
}
