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

/// A part that has taken longer than this must have come at the least speed on average: else a
/// client could hold a connection and an open file for ever with a byte now and then.
const SLOW_START: Duration = Duration::from_secs(5 * 60);

/// Less than any modem has.
const MIN_BYTES_PER_SECOND: u64 = 500;

/// The frames of `body`; an error when none comes for `idle_timeout`, or when it comes too slowly.
/// The first poll is what lets a client that waits for `100 Continue` send.
pub(super) fn part_body(body: Body, idle_timeout: Duration) -> PartBody {
    Box::pin(Frames {
        body,
        idle_timeout,
        timer: None,
        is_waiting: false,
        started_at: Instant::now(),
        received_bytes: 0,
    })
}

struct Frames {
    body: Body,
    idle_timeout: Duration,
    /// Made and set only when there is nothing to read: a fast client never needs it.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    started_at: Instant,
    received_bytes: u64,
}

impl Frames {
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let earned = Duration::from_secs(self.received_bytes / MIN_BYTES_PER_SECOND);
        let too_slow_at = self.started_at + SLOW_START + earned;
        let deadline = too_slow_at.min(Instant::now() + self.idle_timeout);
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

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream;

    use super::*;

    /// How long a body is listened to of which so many bytes come every 29 s.
    async fn patience(bytes_at_once: usize) -> Duration {
        let drip = stream::repeat(()).then(move |()| async move {
            tokio::time::sleep(Duration::from_secs(29)).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes_at_once]))
        });
        let started_at = Instant::now();
        let body = Body::from_stream(drip);
        let mut frames = part_body(body, Duration::from_secs(30)).take(1000);
        while let Some(frame) = frames.next().await {
            if let Err(error) = frame {
                assert!(matches!(error, BodyError::Idle));
                break;
            }
        }
        started_at.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn who_trickles_is_not_listened_to_for_ever() {
        let bounds = SLOW_START..SLOW_START + Duration::from_secs(60);
        assert!(bounds.contains(&patience(1).await));
        assert!(patience(1000).await < 2 * SLOW_START);
        assert_eq!(patience(30 * 500).await, Duration::from_secs(29_000));
    }
}
