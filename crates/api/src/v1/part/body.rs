//! A part's bytes on their way to the store.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use http_body::Body as _;
use moc_uploads_core::ports::{BodyError, PartBody};
use tokio::time::{Instant, Sleep};

use crate::metrics;

/// The frames of `body`; an error when none comes for `idle_timeout`. The first poll is what lets
/// a client that waits for `100 Continue` send.
pub(super) fn part_body(body: Body, idle_timeout: Duration) -> PartBody {
    Box::pin(Frames {
        body,
        idle_timeout,
        timer: None,
        is_waiting: false,
        received_bytes: 0,
    })
}

struct Frames {
    body: Body,
    idle_timeout: Duration,
    /// Made and set only when there is nothing to read: a fast client never needs it.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    received_bytes: u64,
}

impl Frames {
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + self.idle_timeout;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !self.is_waiting {
            self.is_waiting = true;
            timer.as_mut().reset(deadline);
        }
        timer.as_mut().poll(cx)
    }
}

impl Stream for Frames {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
                ready!(self.poll_idle(cx));
                return Poll::Ready(Some(Err(BodyError::Idle)));
            };
            self.is_waiting = false;
            match frame {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(BodyError::Broken))),
                Some(Ok(frame)) => {
                    // Trailers are of no use here; an empty frame is no progress.
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        self.received_bytes += data.len() as u64;
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        ::metrics::counter!(metrics::UPLOAD_BYTES).increment(self.received_bytes);
    }
}
