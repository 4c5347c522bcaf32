//! A part on its way to the disk: the half of it that waits for the client.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{ObjectStoreError, PartBody, PutPart, PutPartError, Upload};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::digests::PartCrc;
use crate::error::{PutFailure, internal, join_error};
use crate::part_writer::PartWriter;
use crate::store::Inner;

/// Bytes that all running puts together may buffer, as long as each gets [`MIN_BATCH_BYTES`]. One
/// batch is written while the next is received, so that a put buffers two.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;

/// Bytes handed over at once: the more, the less a hop to a blocking thread costs, and the larger
/// the pages that the kernel can use.
const MAX_BATCH_BYTES: usize = 512 * 1024;
const MIN_BATCH_BYTES: usize = 64 * 1024;

/// A chunk that is smaller is copied together with its neighbours: it holds on to the whole buffer
/// that the connection was read into, which is larger than this by far.
const SMALL_CHUNK_BYTES: usize = 32 * 1024;

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
        crc: PartCrc::new(),
    };
    let writer = PartWriter::new(Arc::clone(inner), upload.key.clone(), part);
    let mut hand = Hand(Some(Work::Idle(Box::new(writer))));
    loop {
        let batch = match intake.next_batch().await {
            Ok(batch) => batch,
            Err(error) => {
                hand.give_up().await;
                return Err(error);
            }
        };
        let mut writer = hand.take().await?;
        if batch.is_last {
            let crc = intake.crc.finish();
            let finish = spawn_blocking(move || {
                writer.write(&batch.chunks)?;
                writer.finish(crc)
            });
            return finish
                .await
                .map_err(join_error)?
                .map_err(|PutFailure(error)| error);
        }
        hand.0 = Some(Work::Writing(spawn_blocking(move || {
            writer.write(&batch.chunks)?;
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
    crc: PartCrc,
}

struct Batch {
    chunks: Vec<Bytes>,
    /// The body has ended, with the right length.
    is_last: bool,
}

impl Intake<'_> {
    async fn next_batch(&mut self) -> Result<Batch, PutPartError> {
        let max_bytes = batch_bytes(self.inner.running_puts.load(Ordering::Relaxed));
        let missing_bytes = self.expected_bytes - self.received_bytes;
        let mut gathered = Gathered::new(max_bytes.min(missing_bytes as usize));
        // When all is there, what is still to be seen is that nothing follows.
        while self.received_bytes == self.expected_bytes || gathered.bytes < max_bytes {
            let Some(chunk) = self.body.next().await.transpose()? else {
                if self.received_bytes < self.expected_bytes {
                    return Err(self.wrong_length());
                }
                return Ok(Batch {
                    chunks: gathered.into_chunks(),
                    is_last: true,
                });
            };
            self.received_bytes += chunk.len() as u64;
            if self.received_bytes > self.expected_bytes {
                return Err(self.wrong_length());
            }
            self.crc.update(&chunk);
            gathered.add(chunk);
        }
        Ok(Batch {
            chunks: gathered.into_chunks(),
            is_last: false,
        })
    }

    fn wrong_length(&self) -> PutPartError {
        PutPartError::WrongLength {
            received_bytes: self.received_bytes,
        }
    }
}

/// What is received for one batch.
struct Gathered {
    bytes: usize,
    max_bytes: usize,
    chunks: Vec<Bytes>,
    /// Small chunks, which follow those above.
    small: BytesMut,
}

impl Gathered {
    /// Room is made at once for `max_bytes`, when the first small chunk comes: growing would copy
    /// them again and again.
    fn new(max_bytes: usize) -> Self {
        Self {
            bytes: 0,
            max_bytes,
            chunks: Vec::new(),
            small: BytesMut::new(),
        }
    }

    fn add(&mut self, chunk: Bytes) {
        let room = self.max_bytes.saturating_sub(self.bytes);
        self.bytes += chunk.len();
        if chunk.len() < SMALL_CHUNK_BYTES {
            if self.small.is_empty() {
                self.small.reserve(room);
            }
            self.small.extend_from_slice(&chunk);
        } else {
            self.end_small();
            self.chunks.push(chunk);
        }
    }

    fn end_small(&mut self) {
        if !self.small.is_empty() {
            self.chunks.push(self.small.split().freeze());
        }
    }

    fn into_chunks(mut self) -> Vec<Bytes> {
        self.end_small();
        self.chunks
    }
}

fn batch_bytes(running_puts: usize) -> usize {
    (BUFFER_BYTES / 2 / running_puts.max(1)).clamp(MIN_BATCH_BYTES, MAX_BATCH_BYTES)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_chunks_are_joined_and_the_order_stays() {
        let large = Bytes::from(vec![b'L'; SMALL_CHUNK_BYTES]);
        let mut gathered = Gathered::new(2 * SMALL_CHUNK_BYTES);
        for chunk in ["a", "b"] {
            gathered.add(Bytes::from(chunk));
        }
        gathered.add(large.clone());
        gathered.add(Bytes::from("c"));
        assert_eq!(gathered.bytes, SMALL_CHUNK_BYTES + 3);
        assert_eq!(
            gathered.into_chunks(),
            [Bytes::from("ab"), large, "c".into()]
        );
    }
}
