//! The body of a part's request: bytes that come through a channel, so that whoever fills it
//! decides when the last of them may go.

use std::pin::Pin;
use std::task::{Context, Poll};

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// A body of exactly `len` bytes and what fills it. When the sender is dropped before all were
/// sent the request breaks off, and S3 stores nothing.
pub(crate) fn channel(len: u64) -> (mpsc::Sender<Bytes>, ByteStream) {
    // One chunk waits while another is being sent.
    let (sender, receiver) = mpsc::channel(1);
    let body = PartBody {
        receiver,
        remaining: len,
    };
    (sender, ByteStream::new(SdkBody::from_body_1_x(body)))
}

struct PartBody {
    receiver: mpsc::Receiver<Bytes>,
    remaining: u64,
}

/// The part is not to be stored.
#[derive(Debug, thiserror::Error)]
#[error("the part was given up")]
struct GivenUp;

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
