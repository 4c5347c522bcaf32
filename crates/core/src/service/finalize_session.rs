//! Verifies a session's files and creates the MOC record (CONTRACT section 1.6).

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CALLS_AT_ONCE, Uploads, refusal};
use crate::causes;
use crate::content_type::{SNIFF_BYTES, sniff};
use crate::error::Error;
use crate::file::{Category, FileStatus, UploadFile};
use crate::finalize::{FINALIZE_LEASE, Moc, MocDraft, NewMoc};
use crate::ids::{MocId, SessionId};
use crate::ports::{BeginFinalizeOutcome, CommitFinalizeOutcome};
use crate::principal::Principal;
use crate::session::{Session, SessionStatus};
use crate::time::Timestamp;

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finalized {
    /// By this call.
    Created(Box<Moc>),
    /// By an earlier one.
    Before(Box<Moc>),
    /// Another call is at it.
    InProgress,
}

impl Uploads {
    /// Verifies every file and creates the MOC, once, however many call.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::SessionExpired`], [`Error::SessionNotActive`],
    /// [`Error::BadRequest`] without a completed instruction, [`Error::FilesIncomplete`],
    /// [`Error::ContentTypeMismatch`], [`Error::Conflict`] for a title that is taken. A refusal
    /// changes nothing: the session can be finalized again.
    pub async fn finalize_session(
        &self,
        principal: &Principal,
        session_id: SessionId,
        draft: MocDraft,
    ) -> Result<Finalized, Error> {
        let locked_at = self.now();
        let outcome = self
            .deps
            .sessions
            .begin_finalize(
                session_id,
                &principal.user_id,
                locked_at,
                self.settings().finalize_lock_ttl,
                FINALIZE_LEASE,
            )
            .await?;
        let (session, files) = match outcome {
            BeginFinalizeOutcome::Locked { session, files } => (session, files),
            BeginFinalizeOutcome::AlreadyFinalized(moc) => return Ok(Finalized::Before(moc)),
            BeginFinalizeOutcome::InProgress => return Ok(Finalized::InProgress),
            BeginFinalizeOutcome::SessionClosed(session) => {
                return Err(refusal(&session, locked_at));
            }
            BeginFinalizeOutcome::NoSuchSession => return Err(Error::NotFound("session")),
        };

        let _held = self.finalize_locks.hold(session_id, locked_at);
        let result = self.create_moc(&session, files, draft, locked_at).await;
        if let Err(error) = &result {
            self.release(session_id, locked_at, error).await;
        } else {
            self.note(session_id);
        }
        result
    }

    /// Says that this process is still at what it finalizes. To be called every
    /// [`RENEW_FINALIZE_EVERY`](crate::finalize::RENEW_FINALIZE_EVERY); one statement, and none when
    /// nothing is finalized.
    ///
    /// # Errors
    /// Those of the database. A lease that is not renewed may be taken over.
    pub async fn renew_finalize_locks(&self) -> Result<(), Error> {
        let locks = self.finalize_locks.all();
        if locks.is_empty() {
            return Ok(());
        }
        let renewed = self
            .deps
            .sessions
            .renew_finalize(&locks, self.now(), FINALIZE_LEASE);
        Ok(renewed.await?)
    }

    /// Gives the lock back. A refusal for what the session holds is a failure that analytics counts
    /// (CONTRACT section 1.8); a title that is taken, or a store that does not answer, is none.
    async fn release(&self, session_id: SessionId, locked_at: Timestamp, error: &Error) {
        let refusal = match error {
            Error::BadRequest(_)
            | Error::FilesIncomplete { .. }
            | Error::ContentTypeMismatch { .. } => Some(error.code()),
            _ => None,
        };
        let sessions = &self.deps.sessions;
        let released = sessions.release_finalize(session_id, locked_at, refusal, self.now());
        match released.await {
            Ok(()) => self.note(session_id),
            Err(error) => {
                tracing::warn!(%session_id, error = causes(&error), "finalize lock not released, its lease ends");
            }
        }
    }

    async fn create_moc(
        &self,
        session: &Session,
        files: Vec<UploadFile>,
        draft: MocDraft,
        locked_at: Timestamp,
    ) -> Result<Finalized, Error> {
        let incomplete: Vec<_> = files
            .iter()
            .filter(|file| file.status != FileStatus::Completed)
            .map(|file| file.id)
            .collect();
        if !incomplete.is_empty() {
            return Err(Error::FilesIncomplete { incomplete });
        }
        let keys_of = |category| -> Vec<String> {
            files
                .iter()
                .filter(|file| file.metadata.category == category)
                .filter_map(|file| file.object_key.as_ref())
                .map(|key| key.as_str().to_owned())
                .collect()
        };
        let Some(pdf_key) = keys_of(Category::Instruction).into_iter().next() else {
            return Err(Error::BadRequest(
                "The session has no completed instruction file; upload one and finalize again."
                    .to_owned(),
            ));
        };
        let image_keys = keys_of(Category::Image);
        let parts_keys = keys_of(Category::PartsList);
        stream::iter(&files)
            .map(Ok)
            .try_for_each_concurrent(CALLS_AT_ONCE, |file| self.verify_file(file))
            .await?;

        let thumbnail_url =
            [Category::Thumbnail, Category::Image]
                .into_iter()
                .find_map(|category| {
                    files
                        .iter()
                        .find(|file| file.metadata.category == category)
                        .and_then(|file| file.file_url.clone())
                });
        let now = self.now();
        let moc = NewMoc {
            id: MocId(self.deps.ids.new_id(now)),
            session_id: session.id,
            user_id: session.user_id.clone(),
            draft,
            files,
            pdf_key,
            image_keys,
            parts_keys,
            thumbnail_url,
            created_at: now,
        };
        match self.deps.sessions.commit_finalize(moc, locked_at).await? {
            CommitFinalizeOutcome::Created(moc) => {
                tracing::info!(
                    session_id = %session.id,
                    moc_id = %moc.id,
                    slug = moc.slug,
                    elapsed_ms = now.since(session.created_at).as_millis() as u64,
                    "session finalized"
                );
                Ok(Finalized::Created(moc))
            }
            CommitFinalizeOutcome::TitleTaken { suggested_slug } => Err(Error::Conflict {
                detail: "You have a MOC of this title already; choose another title.".to_owned(),
                suggested_slug: Some(suggested_slug),
            }),
            CommitFinalizeOutcome::LockLost => self.lock_lost(session.id).await,
        }
    }

    /// The lock went stale and is somebody else's, or the session has ended since.
    async fn lock_lost(&self, session_id: SessionId) -> Result<Finalized, Error> {
        let declared = self.deps.sessions.declared_session(session_id).await?;
        let session = declared.ok_or(Error::NotFound("session"))?.session;
        let now = self.now();
        match session.status_at(now) {
            SessionStatus::Expired | SessionStatus::Cancelled => Err(refusal(&session, now)),
            SessionStatus::Active | SessionStatus::Completed => Ok(Finalized::InProgress),
        }
    }

    /// The object is there, has its declared size, and its first bytes are of its declared type.
    async fn verify_file(&self, file: &UploadFile) -> Result<(), Error> {
        let metadata = &file.metadata;
        let gone = || {
            Error::internal(format!(
                "object of completed file {} is gone or has another size",
                file.id
            ))
        };
        let key = file.object_key.as_ref().ok_or_else(gone)?;
        let size_bytes = self.deps.objects.object_size(key).await?;
        if size_bytes != Some(metadata.size_bytes) {
            return Err(gone());
        }
        let range = 0..metadata.size_bytes.min(SNIFF_BYTES);
        let mut body = self
            .deps
            .objects
            .read_object(key, range)
            .await?
            .ok_or_else(gone)?;
        let mut head = Vec::with_capacity(SNIFF_BYTES as usize);
        while let Some(chunk) = body.next().await {
            head.extend_from_slice(&chunk?);
        }
        sniff(&metadata.content_type, &head).map_err(|found| Error::ContentTypeMismatch {
            file_id: file.id,
            key: metadata.key.clone(),
            declared: metadata.content_type.clone(),
            found,
        })
    }
}
