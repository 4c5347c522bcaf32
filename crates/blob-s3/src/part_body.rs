//! The body of a part's request: bytes that come through a channel, so that whoever fills it
//! decides when the last of them may go.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Bytes of a part between here and the socket. The HTTP client would queue three times as many
/// when the store is slower than the part's sender.
const IN_FLIGHT_BYTES: u32 = 128 * 1024;

/// A body of exactly `len` bytes and what fills it. When the sender is dropped before all were
/// sent the request breaks off, and S3 stores nothing.
pub(crate) fn channel(len: u64) -> (PartSender, ByteStream) {
    let (chunks, receiver) = mpsc::channel(1);
    let body = PartBody {
        receiver,
        remaining: len,
    };
    let sender = PartSender {
        chunks,
        in_flight: Arc::new(Semaphore::new(IN_FLIGHT_BYTES as usize)),
    };
    (sender, ByteStream::new(SdkBody::from_body_1_x(body)))
}

/// Fills the body of a part.
pub(crate) struct PartSender {
    chunks: mpsc::Sender<Bytes>,
    in_flight: Arc<Semaphore>,
}

impl PartSender {
    /// Passes bytes on as soon as enough of the earlier ones are written.
    ///
    /// # Errors
    /// The request takes no more bytes.
    pub(crate) async fn send(&self, bytes: Bytes) -> Result<(), GivenUp> {
        let permits = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.in_flight)
            .acquire_many_owned(permits.min(IN_FLIGHT_BYTES))
            .await
            .map_err(|_| GivenUp)?;
        let counted = Counted {
            bytes,
            _permit: permit,
        };
        self.chunks
            .send(Bytes::from_owner(counted))
            .await
            .map_err(|_| GivenUp)
    }
}

/// Bytes that count as long as somebody has them.
struct Counted {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

struct PartBody {
    receiver: mpsc::Receiver<Bytes>,
    remaining: u64,
}

/// The part is not to be stored.
#[derive(Debug, thiserror::Error)]
#[error("the part was given up")]
pub(crate) struct GivenUp;

impl Body for PartBody {
    type Data = Bytes;
    type Error = GivenUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, GivenUp>>> {
        self.receiver.poll_recv(cx).map(|received| match received {
            Some(bytes) => {
                self.remaining = self.remaining.saturating_sub(bytes.len() as u64);
                Some(Ok(Frame::data(bytes)))
            }
            None if self.remaining == 0 => None,
            None => Some(Err(GivenUp)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}
