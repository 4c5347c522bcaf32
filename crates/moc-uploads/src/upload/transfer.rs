//! Sends the parts of all files, several at once, and completes each file when its last is there.

use std::io::{self, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use moc_uploads_core::plan::PartPlan;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;

use super::api::Api;
use super::error::Error;
use super::files::{self, LocalFile};
use super::progress::{Event, FileState, Reporter};
use super::retry::Retry;
use super::wire::Part;

/// A part of which no byte moves for this long is given up and sent again. The server gives up
/// after 30 s by default (CONTRACT section 5).
const STALL: Duration = Duration::from_secs(45);
/// What is held in memory of each part under way.
const BUFFER_BYTES: usize = 256 * 1024;

/// A file that the session knows.
#[derive(Debug)]
pub(crate) struct RemoteFile {
    /// The same file here.
    pub(crate) local: LocalFile,
    /// Of the server.
    pub(crate) file_id: String,
    /// What has arrived.
    pub(crate) received: Vec<Part>,
    /// Once it is completed.
    pub(crate) file_url: Option<String>,
}

/// One session being filled.
pub(crate) struct Transfer<'a> {
    /// The server.
    pub(crate) api: &'a Api,
    /// When to try again.
    pub(crate) retry: &'a Retry,
    /// Who is told.
    pub(crate) reporter: &'a Arc<dyn Reporter>,
    /// Of the server.
    pub(crate) session_id: &'a str,
    /// Of every part but the last.
    pub(crate) part_size: u64,
    /// One permit per part under way.
    pub(crate) permits: Semaphore,
}

impl Transfer<'_> {
    /// Sends what is missing; gives the URLs of the files, in their order.
    ///
    /// # Errors
    /// The first that could not be overcome; parts under way are dropped.
    pub(crate) async fn run(&self, files: &[RemoteFile]) -> Result<Vec<String>, Error> {
        try_join_all(files.iter().map(|file| self.send_file(file))).await
    }

    async fn send_file(&self, file: &RemoteFile) -> Result<String, Error> {
        let plan = PartPlan::new(file.local.size, self.part_size);
        if let Some(url) = &file.file_url {
            self.report(file, FileState::Completed, file.local.size);
            return Ok(url.clone());
        }
        let has = |number: &u32| file.received.iter().any(|part| part.part_number == *number);
        let (there, missing): (Vec<u32>, Vec<u32>) = (1..=plan.part_count()).partition(has);
        let bytes_there = there.iter().map(|number| plan.part_len(*number)).sum();
        self.report(file, FileState::Uploading, bytes_there);

        let sent = missing.iter().map(|number| async {
            let _permit = self.permits.acquire().await;
            self.send_part(file, plan, *number).await
        });
        let mut parts = try_join_all(sent).await?;
        parts.extend_from_slice(&file.received);
        parts.sort_unstable_by_key(|part| part.part_number);

        self.report(file, FileState::Completing, file.local.size);
        let what = format!("completing {}", file.local.key);
        let complete = async || {
            self.api
                .complete(self.session_id, &file.file_id, &parts)
                .await
        };
        let url = self.retry.run(&what, complete).await?;
        self.report(file, FileState::Completed, file.local.size);
        Ok(url)
    }

    fn report(&self, file: &RemoteFile, state: FileState, bytes_received: u64) {
        self.reporter.event(&Event::File {
            key: &file.local.key,
            state,
            bytes_received,
            size: file.local.size,
        });
    }

    async fn send_part(
        &self,
        file: &RemoteFile,
        plan: PartPlan,
        part_number: u32,
    ) -> Result<Part, Error> {
        let (offset, len) = (plan.offset(part_number), plan.part_len(part_number));
        let digest = files::digest_range(&file.local, offset, len).await?;
        let checksum = STANDARD.encode(digest);
        let what = format!("part {part_number} of {}", file.local.key);
        // Here a wrong checksum is damage on the way: the part was read a moment ago.
        let may_pass =
            |error: &Error| error.is_transient() || error.code() == Some("CHECKSUM_MISMATCH");
        let part = self
            .retry
            .run_when(&what, may_pass, async || {
                let moved = Moved::new(self.reporter, &file.local.key);
                let body = body(&file.local, offset, len, &moved).await?;
                let put = self.api.put_part(
                    self.session_id,
                    &file.file_id,
                    part_number,
                    (body, len, &checksum),
                );
                let sent = tokio::select! {
                    sent = put => sent,
                    () = moved.stalls() => Err(Error::Stalled(STALL)),
                };
                sent.inspect_err(|_| moved.take_back())
            })
            .await?;
        self.reporter.event(&Event::Part {
            key: &file.local.key,
            part_number,
            size: len,
        });
        Ok(part)
    }
}

/// The bytes of one attempt that went out.
#[derive(Clone)]
struct Moved {
    reporter: Arc<dyn Reporter>,
    key: Arc<str>,
    bytes: Arc<AtomicU64>,
}

impl Moved {
    fn new(reporter: &Arc<dyn Reporter>, key: &str) -> Self {
        Self {
            reporter: Arc::clone(reporter),
            key: key.into(),
            bytes: Arc::default(),
        }
    }

    fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.reporter.moved(&self.key, bytes as i64);
    }

    fn take_back(&self) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.reporter.moved(&self.key, -(bytes as i64));
    }

    /// Ends when nothing has moved for a while.
    async fn stalls(&self) {
        let mut before = u64::MAX;
        loop {
            let now = self.bytes.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
            tokio::time::sleep(STALL).await;
        }
    }
}

/// A part of a file, read as it is sent.
async fn body(
    file: &LocalFile,
    offset: u64,
    len: u64,
    moved: &Moved,
) -> Result<reqwest::Body, Error> {
    if !file
        .is_unchanged()
        .map_err(|error| files::unreadable(file, &error))?
    {
        return Err(Error::Usage(vec![files::changed(file)]));
    }
    let open = async || -> io::Result<tokio::fs::File> {
        let mut reader = tokio::fs::File::open(&file.path).await?;
        reader.seek(SeekFrom::Start(offset)).await?;
        Ok(reader)
    };
    let reader = open()
        .await
        .map_err(|error| files::unreadable(file, &error))?;
    let moved = moved.clone();
    let bytes = ReaderStream::with_capacity(reader.take(len), BUFFER_BYTES).inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            moved.add(chunk.len());
        }
    });
    Ok(reqwest::Body::wrap_stream(bytes))
}
