//! One upload from beginning to end: open or resume a session, register, send, finalize.

use std::path::Path;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use moc_uploads_core::plan::MAX_PART_COUNT;
use tokio::sync::Semaphore;

use super::api::Api;
use super::draft::MocDraft;
use super::error::Error;
use super::files::{self, LocalFile};
use super::finalize;
use super::progress::{Event, FileState, Reporter};
use super::resume::{SavedFile, State, StateFile};
use super::retry::Retry;
use super::transfer::{RemoteFile, Transfer};
use super::wire::{CreateSession, FileMetadata, Moc, Part, SessionStatus};

/// Hashing takes a processor each.
const HASHED_AT_ONCE: usize = 4;

/// How to upload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Go on with an interrupted upload.
    pub(crate) resume: bool,
    /// See CONTRACT section 1.2.
    pub(crate) allow_duplicates: bool,
    /// Parts under way at once.
    pub(crate) concurrency: u16,
}

/// An upload.
pub(crate) struct Upload<'a> {
    api: &'a Api,
    files: &'a [LocalFile],
    retry: Retry,
    reporter: Arc<dyn Reporter>,
    state_file: StateFile,
    options: Options,
}

/// A session that takes parts.
struct Open {
    session_id: String,
    status: Option<SessionStatus>,
    part_size: u64,
}

/// A file that came through.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadedFile {
    /// Of the file within the session.
    pub(crate) key: String,
    /// Where its bytes come back from.
    pub(crate) url: String,
    /// Of its bytes.
    pub(crate) sha256: String,
}

impl<'a> Upload<'a> {
    /// `state_dir` is where interrupted uploads are remembered.
    pub(crate) fn new(
        api: &'a Api,
        files: &'a [LocalFile],
        (reporter, retries): (Arc<dyn Reporter>, u16),
        state_dir: &Path,
        options: Options,
    ) -> Self {
        Self {
            api,
            files,
            retry: Retry::new(retries, Arc::clone(&reporter)),
            reporter,
            state_file: StateFile::new(state_dir, api.server(), files),
            options,
        }
    }

    /// Whether `--resume` would find something.
    pub(crate) fn is_resumable(&self) -> bool {
        self.state_file.load().is_some()
    }

    /// Everything, once.
    ///
    /// # Errors
    /// What stopped it. The session stays resumable, unless what it holds can't be right.
    pub(crate) async fn run(&self, draft: &MocDraft) -> Result<(Moc, Vec<UploadedFile>), Error> {
        let earlier = self.state_file.load();
        let hashes = self.hash(earlier.as_ref()).await?;
        let open = match earlier {
            Some(state) => self.reopen(state, &hashes).await?,
            None if self.options.resume => {
                self.notice("No upload of these files was interrupted; starting a new one.");
                None
            }
            None => None,
        };
        let open = match open {
            Some(open) => open,
            None => self.open(&hashes).await?,
        };
        self.reporter.event(&Event::Session {
            session_id: &open.session_id,
            part_size_bytes: open.part_size,
            is_resumed: open.status.is_some(),
        });
        let result = self.fill(&open, &hashes, draft).await;
        match &result {
            Ok(_) => self.state_file.remove(),
            Err(error) if error.is_hopeless() => self.forget(&open.session_id).await,
            Err(_) => {}
        }
        result
    }

    /// No plan can be made with just any size.
    fn check_part_size(&self, part_size: u64) -> Result<(), Error> {
        let fits = |file: &LocalFile| file.size.div_ceil(part_size) <= MAX_PART_COUNT;
        if part_size > 0 && self.files.iter().all(fits) {
            return Ok(());
        }
        Err(Error::Unexpected(format!(
            "it asks for parts of {part_size} bytes, and a file may have {MAX_PART_COUNT}"
        )))
    }

    /// SHA-256 of every file in hex; an unchanged one is not read again.
    async fn hash(&self, earlier: Option<&State>) -> Result<Vec<String>, Error> {
        let hashes = self.files.iter().map(async |file| {
            if let Some(hash) = earlier.and_then(|state| state.known_hash(file)) {
                return Ok(hash.to_owned());
            }
            self.reporter.event(&Event::File {
                key: &file.key,
                state: FileState::Hashing,
                bytes_received: 0,
                size: file.size,
            });
            files::sha256(file).await
        });
        stream::iter(hashes)
            .buffered(HASHED_AT_ONCE)
            .try_collect()
            .await
    }

    fn notice(&self, message: &str) {
        self.reporter.event(&Event::Notice { message });
    }

    /// The interrupted session, when it is wanted and can go on.
    async fn reopen(&self, state: State, hashes: &[String]) -> Result<Option<Open>, Error> {
        let changed: Vec<String> = self
            .files
            .iter()
            .zip(hashes)
            .filter(|(file, hash)| !state.has(file, hash))
            .map(|(file, _)| {
                format!(
                    "{} has changed since its upload was interrupted. Run the command without \
                     --resume to start afresh.",
                    file.path.display()
                )
            })
            .collect();
        match (self.options.resume, changed.is_empty()) {
            (true, true) => {}
            (true, false) => return Err(Error::Usage(changed)),
            (false, is_unchanged) => {
                if is_unchanged {
                    self.notice(
                        "An upload of these files was interrupted; --resume would have gone on \
                         with it. Starting afresh.",
                    );
                }
                self.give_up(&state.session_id).await?;
                return Ok(None);
            }
        }
        let session_id = state.session_id;
        let get = async || self.api.session(&session_id).await;
        let over = match self
            .retry
            .first_contact()
            .run("asking for the session", get)
            .await
        {
            Ok(status) if matches!(status.status.as_str(), "active" | "completed") => {
                self.check_part_size(status.part_size_bytes)?;
                return Ok(Some(Open {
                    session_id,
                    part_size: status.part_size_bytes,
                    status: Some(status),
                }));
            }
            Ok(status) => format!("is {}", status.status),
            Err(Error::Refused(problem)) if problem.status == 404 => {
                "is not known to the server any more".to_owned()
            }
            Err(error) => return Err(error),
        };
        self.notice(&format!(
            "The interrupted session {over}; starting a new one."
        ));
        self.state_file.remove();
        Ok(None)
    }

    async fn open(&self, hashes: &[String]) -> Result<Open, Error> {
        let body = CreateSession {
            files: self.metadata(hashes).collect(),
            allow_duplicates: self.options.allow_duplicates,
        };
        let idempotency_key = hex::encode(rand::random::<[u8; 16]>());
        // 409 CONFLICT: the first try of this very request is still running.
        let may_pass = |error: &Error| error.is_transient() || error.code() == Some("CONFLICT");
        let created = self
            .retry
            .first_contact()
            .run_when("opening a session", may_pass, async || {
                self.api.create(&body, &idempotency_key).await
            })
            .await?;
        self.check_part_size(created.part_size_bytes)?;
        let files = self.files.iter().zip(hashes);
        let saved = self.state_file.save(&State {
            session_id: created.session_id.clone(),
            server: self.api.server().to_owned(),
            files: files
                .map(|(file, hash)| SavedFile::new(file, hash))
                .collect(),
        });
        if let Err(error) = saved {
            self.notice(&format!(
                "This upload can't be resumed when it is interrupted: {error}. See --state-dir."
            ));
        }
        Ok(Open {
            session_id: created.session_id,
            status: None,
            part_size: created.part_size_bytes,
        })
    }

    fn metadata<'b>(&'b self, hashes: &'b [String]) -> impl Iterator<Item = FileMetadata<'b>> {
        let files = self.files.iter().zip(hashes);
        files.map(|(file, hash)| FileMetadata::new(file, hash))
    }

    /// Ends a session that is of no use any more, so that its files are nobody's duplicates.
    async fn forget(&self, session_id: &str) {
        // It expires by itself otherwise.
        let _ = self.api.cancel(session_id).await;
        self.state_file.remove();
    }

    /// Ends the interrupted session. When that fails it stays resumable: what it has of these files
    /// would make them duplicates of themselves.
    async fn give_up(&self, session_id: &str) -> Result<(), Error> {
        let cancel = async || self.api.cancel(session_id).await;
        let retry = self.retry.first_contact();
        match retry.run("ending the interrupted session", cancel).await {
            Ok(()) => {}
            // It is nobody's any more, or a MOC after all.
            Err(Error::Refused(problem)) if matches!(problem.status, 404 | 409) => {}
            Err(error) => return Err(error),
        }
        self.state_file.remove();
        Ok(())
    }

    async fn fill(
        &self,
        open: &Open,
        hashes: &[String],
        draft: &MocDraft,
    ) -> Result<(Moc, Vec<UploadedFile>), Error> {
        let mut files = Vec::with_capacity(self.files.len());
        // One after the other: the first instruction and the first image have a part to play
        // (CONTRACT section 1.6).
        for (file, metadata) in self.files.iter().zip(self.metadata(hashes)) {
            files.push(self.register(open, file, &metadata).await?);
        }
        let transfer = Transfer {
            api: self.api,
            retry: &self.retry,
            reporter: &self.reporter,
            session_id: &open.session_id,
            part_size: open.part_size,
            permits: Semaphore::new(self.options.concurrency.into()),
        };
        let urls = transfer.run(&files).await?;
        self.reporter.event(&Event::Finalizing);
        let moc = self.finalize(&open.session_id, draft).await?;
        let uploaded = files
            .into_iter()
            .zip(urls)
            .zip(hashes)
            .map(|((file, url), hash)| UploadedFile {
                key: file.local.key,
                url,
                sha256: hash.clone(),
            })
            .collect();
        Ok((moc, uploaded))
    }

    /// Registers a file, unless it is already.
    async fn register(
        &self,
        open: &Open,
        file: &LocalFile,
        metadata: &FileMetadata<'_>,
    ) -> Result<RemoteFile, Error> {
        let session_id = &open.session_id;
        if let Some(remote) = self.registered(session_id, &open.status, file).await? {
            return Ok(remote);
        }
        let what = format!("registering {}", file.key);
        let register = async || self.api.register(session_id, metadata).await;
        match self.retry.run(&what, register).await {
            Ok(file_id) => Ok(RemoteFile {
                local: file.clone(),
                file_id,
                received: Vec::new(),
                file_url: None,
            }),
            // The answer to an earlier try was lost.
            Err(error) if matches!(error.code(), Some("CONFLICT" | "FILE_COUNT_EXCEEDED")) => {
                let get = async || self.api.session(session_id).await;
                let status = Some(self.retry.run(&what, get).await?);
                let remote = self.registered(session_id, &status, file).await?;
                remote.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// What the server has of a file.
    async fn registered(
        &self,
        session_id: &str,
        status: &Option<SessionStatus>,
        file: &LocalFile,
    ) -> Result<Option<RemoteFile>, Error> {
        let known = status.iter().flat_map(|status| &status.files);
        let Some(known) = known.into_iter().find(|known| known.key == file.key) else {
            return Ok(None);
        };
        let received: Vec<Part> = if known.file_url.is_some() {
            Vec::new()
        } else {
            let what = format!("asking for the parts of {}", file.key);
            let list = async || self.api.parts(session_id, &known.file_id).await;
            self.retry.run(&what, list).await?
        };
        Ok(Some(RemoteFile {
            local: file.clone(),
            file_id: known.file_id.clone(),
            received,
            file_url: known
                .file_url
                .clone()
                .map(|file_url| self.api.content_url(session_id, &known.file_id, file_url)),
        }))
    }

    async fn finalize(&self, session_id: &str, draft: &MocDraft) -> Result<Moc, Error> {
        let finalize = async || self.api.finalize(session_id, draft).await;
        finalize::poll(async || self.retry.run("creating the MOC", finalize).await).await
    }
}
