//! Registers files in a session and starts their multipart uploads (CONTRACT section 1.3).

use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream};

use super::{CALLS_AT_ONCE, Uploads, owned_session, require_active, settle};
use crate::causes;
use crate::error::{Error, FieldError, counted};
use crate::file::FileMetadata;
use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::plan::{MAX_PART_COUNT, PartPlan};
use crate::ports::{
    DeclaredSession, NewFile, PartAddress, PresignedPart, RegisterFileOutcome, RegisterFiles,
    Upload, UploadId,
};
use crate::principal::Principal;
use crate::session::{Extension, Session};

/// A request to register a file, after the schema was checked.
#[derive(Debug, Clone)]
pub struct RegisterFile {
    /// Must match a declared file.
    pub metadata: FileMetadata,
    /// Asks for presigned URLs; must be the file's own.
    pub part_count: Option<u32>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredFile {
    /// Its id.
    pub file_id: FileId,
    /// The store's name for its upload.
    pub upload_id: UploadId,
    /// The client's key.
    pub key: String,
    /// Bytes.
    pub part_size_bytes: u64,
    /// How many parts it has.
    pub part_count: u32,
    /// One per part, when `part_count` was given.
    pub presigned_parts: Option<Vec<PresignedPart>>,
    /// When this extended the session.
    pub extension: Option<Extension>,
}

impl Uploads {
    /// Registers one file.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SessionExpired`], [`Error::SessionNotActive`],
    /// [`Error::BadRequest`] for a file that was not declared, [`Error::FileCountExceeded`],
    /// [`Error::WrongPartCount`], [`Error::Conflict`] for a key that is taken, and the policy's
    /// for a session without a declaration.
    pub async fn register_file(
        &self,
        principal: &Principal,
        session_id: SessionId,
        request: RegisterFile,
    ) -> Result<RegisteredFile, Error> {
        self.register_checked(principal, session_id, vec![Ok(request)])
            .await?
            .pop()
            .unwrap_or(Err(Error::NotFound("session")))
    }

    /// Registers several, a result each, in order. What fails does not undo what does not. Files
    /// that were refused before they came here keep their place.
    ///
    /// # Errors
    /// As a whole only for a session that takes nothing, or for too many files.
    pub async fn register_files(
        &self,
        principal: &Principal,
        session_id: SessionId,
        requests: Vec<Result<RegisterFile, Error>>,
    ) -> Result<Vec<Result<RegisteredFile, Error>>, Error> {
        let max = self.settings().max_batch_size;
        if requests.len() > max {
            return Err(Error::Validation(vec![FieldError::new(
                "/files",
                format!(
                    "A batch takes at most {max} files, not {}; send several batches.",
                    requests.len()
                ),
            )]));
        }
        self.register_checked(principal, session_id, requests).await
    }

    async fn register_checked(
        &self,
        principal: &Principal,
        session_id: SessionId,
        requests: Vec<Result<RegisterFile, Error>>,
    ) -> Result<Vec<Result<RegisteredFile, Error>>, Error> {
        let now = self.now();
        let DeclaredSession {
            session,
            declared,
            registered_count,
        } = self
            .deps
            .sessions
            .declared_session(session_id)
            .await?
            .ok_or(Error::NotFound("session"))?;
        let session = owned_session(session, &principal.user_id)?;
        require_active(&session, now)?;

        let mut file_count = registered_count;
        let mut opening = Vec::with_capacity(requests.len());
        for request in requests {
            let checked = request.and_then(|request| {
                self.check_file(&session, declared.as_deref(), file_count, request)
            });
            file_count += usize::from(checked.is_ok());
            opening.push(self.open_upload(&session, checked));
        }
        let results: Vec<_> = stream::iter(opening)
            .buffered(CALLS_AT_ONCE)
            .collect()
            .await;

        let files: Vec<NewFile> = results
            .iter()
            .flatten()
            .map(|(_, file)| file.clone())
            .collect();
        if files.is_empty() {
            return Ok(results
                .into_iter()
                .map(|result| result.and(Err(Error::NotFound("file"))))
                .collect());
        }
        let register = RegisterFiles {
            session_id,
            files,
            max_file_count: declared.as_ref().map(Vec::len),
            now,
            extension: self.settings().extension,
            finalize_lock_ttl: self.settings().finalize_lock_ttl,
        };
        // When this fails the rows may still be there, the answer lost: their uploads must stay. Those
        // of rows that are not are leftovers.
        let activity = self.deps.sessions.register_files(register).await?;
        let settled = settle(activity, &session, self.now(), "register_file");
        let (outcomes, extension) = match settled {
            Ok(settled) => settled,
            Err(error) => {
                self.abort_all(results.iter().flatten().map(|(_, file)| &file.upload))
                    .await;
                return Err(error);
            }
        };

        self.note(session_id);
        let mut outcomes = outcomes.into_iter();
        let mut answers = Vec::with_capacity(results.len());
        for result in results {
            answers.push(match result {
                Ok((request, file)) => {
                    let outcome = registered(outcomes.next(), &file, declared.as_deref());
                    self.answer(&session, request, file, outcome, extension)
                        .await
                }
                Err(error) => Err(error),
            });
        }
        Ok(answers)
    }

    /// Everything that can be said without the database.
    fn check_file(
        &self,
        session: &Session,
        declared: Option<&[FileMetadata]>,
        file_count: usize,
        mut request: RegisterFile,
    ) -> Result<RegisterFile, Error> {
        let file = &request.metadata;
        match declared {
            Some(declared) => {
                let matching = declared
                    .iter()
                    .find(|declared| file.is_declared_as(declared))
                    .ok_or_else(|| {
                        if file_count < declared.len() {
                            not_declared(file, declared)
                        } else {
                            file_count_exceeded(declared.len())
                        }
                    })?;
                // A hash from the declaration counts for its file ever after (CONTRACT 1.2).
                if matching.hash.is_some() && file.hash.is_some() && matching.hash != file.hash {
                    return Err(Error::BadRequest(format!(
                        "The file {:?} was declared with another hash.",
                        file.key
                    )));
                }
                let hash = matching.hash.clone().or_else(|| file.hash.clone());
                request.metadata.hash = hash;
            }
            None => self.settings().policy.check_file(file)?,
        }

        let size_bytes = request.metadata.size_bytes;
        let expected = PartPlan::new(size_bytes, session.part_size_bytes).part_count();
        if u64::from(expected) > MAX_PART_COUNT {
            return Err(Error::FileTooLarge {
                key: request.metadata.key.clone(),
                category: request.metadata.category,
                size_bytes,
                max_bytes: MAX_PART_COUNT * session.part_size_bytes,
            });
        }
        match request.part_count {
            Some(declared) if declared != expected => Err(Error::WrongPartCount {
                expected,
                declared,
                part_size_bytes: session.part_size_bytes,
            }),
            _ => Ok(request),
        }
    }

    async fn open_upload(
        &self,
        session: &Session,
        checked: Result<RegisterFile, Error>,
    ) -> Result<(RegisterFile, NewFile), Error> {
        let request = checked?;
        let id = FileId(self.deps.ids.new_id(self.now()));
        let key = ObjectKey::for_file(
            &self.settings().stage,
            &session.user_id,
            session.id,
            id,
            &request.metadata,
        );
        let upload_id = self
            .deps
            .objects
            .create_upload(&key, &request.metadata.content_type)
            .await?;
        let file = NewFile {
            id,
            metadata: request.metadata.clone(),
            upload: Upload { key, id: upload_id },
        };
        Ok((request, file))
    }

    async fn answer(
        &self,
        session: &Session,
        request: RegisterFile,
        file: NewFile,
        outcome: Result<(), Error>,
        extension: Option<Extension>,
    ) -> Result<RegisteredFile, Error> {
        if let Err(error) = outcome {
            self.abort_all(std::iter::once(&file.upload)).await;
            return Err(error);
        }
        let part_count =
            PartPlan::new(file.metadata.size_bytes, session.part_size_bytes).part_count();
        tracing::info!(
            session_id = %session.id,
            file_id = %file.id,
            category = %file.metadata.category,
            size_bytes = file.metadata.size_bytes,
            part_count,
            "file registered"
        );
        let presigned_parts = match request.part_count {
            Some(part_count) => Some(self.presign_parts(session, &file, part_count).await?),
            None => None,
        };
        Ok(RegisteredFile {
            file_id: file.id,
            upload_id: file.upload.id,
            key: file.metadata.key,
            part_size_bytes: session.part_size_bytes,
            part_count,
            presigned_parts,
            extension,
        })
    }

    async fn presign_parts(
        &self,
        session: &Session,
        file: &NewFile,
        part_count: u32,
    ) -> Result<Vec<PresignedPart>, Error> {
        let expires_at = self.now() + self.settings().presigned_url_ttl;
        let presigned = (1..=part_count).map(|part_number| {
            let address = PartAddress {
                session_id: session.id,
                file_id: file.id,
                part_number,
            };
            self.deps
                .objects
                .presign_part(&file.upload, address, expires_at)
        });
        Ok(try_join_all(presigned).await?)
    }

    /// Frees uploads that no row knows. What fails here is found by the sweep.
    async fn abort_all(&self, uploads: impl Iterator<Item = &Upload>) {
        stream::iter(uploads)
            .for_each_concurrent(CALLS_AT_ONCE, async |upload| {
                if let Err(error) = self.deps.objects.abort_upload(upload).await {
                    tracing::warn!(
                        error = causes(&error),
                        "upload of a refused file not aborted"
                    );
                }
            })
            .await;
    }
}

fn not_declared(file: &FileMetadata, declared: &[FileMetadata]) -> Error {
    Error::BadRequest(match declared.iter().find(|d| d.key == file.key) {
        Some(other) => format!(
            "The file {:?} was declared with category {}, size {} and type {}, not {}, {} and {}.",
            file.key,
            other.category,
            other.size_bytes,
            other.content_type,
            file.category,
            file.size_bytes,
            file.content_type,
        ),
        None => format!(
            "No file with the key {:?} was declared when the session was created.",
            file.key
        ),
    })
}

fn registered(
    outcome: Option<RegisterFileOutcome>,
    file: &NewFile,
    declared: Option<&[FileMetadata]>,
) -> Result<(), Error> {
    match outcome {
        Some(RegisterFileOutcome::Registered) => Ok(()),
        Some(RegisterFileOutcome::KeyTaken) => Err(Error::conflict(format!(
            "The session has a file with the key {:?} already.",
            file.metadata.key
        ))),
        Some(RegisterFileOutcome::FileCountExceeded) => {
            Err(file_count_exceeded(declared.map_or(0, <[_]>::len)))
        }
        None => Err(Error::internal("an outcome is missing")),
    }
}

fn file_count_exceeded(max_count: usize) -> Error {
    Error::FileCountExceeded {
        detail: format!(
            "The session has {}; open a new one for further files.",
            counted(
                max_count,
                "file, the one that was declared",
                "files, those that were declared"
            )
        ),
        max_count,
    }
}
