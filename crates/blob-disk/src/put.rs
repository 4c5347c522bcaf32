//! A part on its way to the disk: the half of it that waits for the client.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::StreamExt;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{ObjectStoreError, PartBody, PutPart, PutPartError, Upload};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::batch::{ALIGNMENT, Batch};
use crate::digests::PartCrc;
use crate::error::{PutFailure, internal, join_error};
use crate::part_writer::PartWriter;
use crate::store::Inner;

/// Bytes that all running puts together may buffer as they go on, as long as each gets
/// [`MIN_BATCH_BYTES`]. One batch is written while the next is received, so that a put buffers two.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Bytes handed over at once: the more, the less a hop to a blocking thread costs, and the larger
/// the pages that the kernel can use.
const MAX_BATCH_BYTES: usize = 256 * 1024;
const MIN_BATCH_BYTES: usize = 64 * 1024;

pub(crate) async fn put_part(
    inner: &Arc<Inner>,
    upload: &Upload,
    part: PutPart,
    body: PartBody,
) -> Result<ETag, PutPartError> {
    if !part.plan.contains(part.part_number) {
        return Err(internal(format!("part {} is not in the plan", part.part_number)).into());
    }
    let mut intake = Intake {
        _running: Running::new(inner),
        inner,
        body,
        expected_bytes: part.plan.part_len(part.part_number),
        received_bytes: 0,
        batched_bytes: 0,
        crc: PartCrc::new(),
        chunk: Bytes::new(),
        batch: Batch::default(),
    };
    let writer = PartWriter::new(Arc::clone(inner), upload.key.clone(), part);
    let mut hand = Hand(Some(Work::Idle(Box::new(writer))));
    loop {
        let is_last = match intake.fill_batch().await {
            Ok(is_last) => is_last,
            Err(error) => {
                hand.give_up().await;
                return Err(error);
            }
        };
        let mut writer = hand.take().await?;
        std::mem::swap(&mut intake.batch, &mut writer.batch);
        if is_last {
            let crc = intake.crc.finish();
            let finish = spawn_blocking(move || {
                writer.write()?;
                writer.finish(crc)
            });
            return finish
                .await
                .map_err(join_error)?
                .map_err(|PutFailure(error)| error);
        }
        hand.0 = Some(Work::Writing(spawn_blocking(move || {
            writer.write()?;
            Ok(writer)
        })));
    }
}

/// The client's bytes, counted.
struct Intake<'a> {
    _running: Running<'a>,
    inner: &'a Inner,
    body: PartBody,
    expected_bytes: u64,
    received_bytes: u64,
    batched_bytes: u64,
    crc: PartCrc,
    /// What of the last chunk has not found room yet.
    chunk: Bytes,
    batch: Batch,
}

impl Intake<'_> {
    /// Receives the next batch; whether it is the last: the body has ended, with the right length.
    async fn fill_batch(&mut self) -> Result<bool, PutPartError> {
        let max_bytes = batch_bytes(self.inner.running_puts.load(Ordering::Relaxed));
        let missing_bytes = self.expected_bytes - self.batched_bytes;
        let max_bytes = missing_bytes.min(max_bytes as u64) as usize;
        self.batch.clear(max_bytes);
        self.batched_bytes += max_bytes as u64;
        loop {
            self.batch.take_from(&mut self.chunk);
            // When all is there, what is still to be seen is that nothing follows.
            if self.batch.is_full() && self.batched_bytes < self.expected_bytes {
                return Ok(false);
            }
            let Some(chunk) = self.body.next().await.transpose()? else {
                return match self.received_bytes < self.expected_bytes {
                    true => Err(self.wrong_length()),
                    false => Ok(true),
                };
            };
            self.received_bytes += chunk.len() as u64;
            if self.received_bytes > self.expected_bytes {
                return Err(self.wrong_length());
            }
            self.crc.update(&chunk);
            self.chunk = chunk;
        }
    }

    fn wrong_length(&self) -> PutPartError {
        PutPartError::WrongLength {
            received_bytes: self.received_bytes,
        }
    }
}

fn batch_bytes(running_puts: usize) -> usize {
    let bytes = BUFFER_BYTES / 2 / running_puts.max(1);
    (bytes / ALIGNMENT * ALIGNMENT).clamp(MIN_BATCH_BYTES, MAX_BATCH_BYTES)
}

/// Counts a put while it runs.
struct Running<'a>(&'a Inner);

impl<'a> Running<'a> {
    fn new(inner: &'a Inner) -> Self {
        inner.running_puts.fetch_add(1, Ordering::Relaxed);
        Self(inner)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running_puts.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who has the writer. Dropped by an async worker when the request is; the writer then is cleaned
/// up elsewhere.
struct Hand(Option<Work>);

enum Work {
    Idle(Box<PartWriter>),
    Writing(JoinHandle<Result<Box<PartWriter>, PutFailure>>),
}

impl Hand {
    async fn take(&mut self) -> Result<Box<PartWriter>, PutPartError> {
        match self.0.take() {
            Some(Work::Idle(writer)) => Ok(writer),
            Some(Work::Writing(task)) => task
                .await
                .map_err(join_error)?
                .map_err(|PutFailure(error)| error),
            None => Err(ObjectStoreError::Internal("the writer is gone".into()).into()),
        }
    }

    /// Returns when nothing is left of the part, unless that fails.
    async fn give_up(mut self) {
        if let Ok(writer) = self.take().await
            && let Err(error) = spawn_blocking(move || drop(writer)).await
        {
            tracing::warn!(%error, "part that was given up not cleaned up");
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Some(Work::Idle(writer)) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(writer));
        }
    }
}
