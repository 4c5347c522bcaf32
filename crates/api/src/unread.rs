//! Refusals that come before the request's body was read.
//!
//! A server that answers and closes while the client is still sending makes the client's kernel
//! throw the answer away. So the answer goes out at once, and its end is held back while what the
//! client still sends is thrown away, within limits.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, StatusCode, Version};
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// More than this is not thrown away; the client gets a reset.
const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// A client that pauses longer has read the answer, or never will.
const MAX_PAUSE: Duration = Duration::from_secs(1);
/// Altogether.
const MAX_TIME: Duration = Duration::from_secs(10);

/// What is left of a request's body when its handler is done with it.
pub(crate) struct Unread {
    left: Arc<Mutex<Left>>,
    is_http1: bool,
}

#[derive(Default)]
enum Left {
    /// The handler still has it, or read it to its end.
    #[default]
    Nothing,
    /// This.
    Rest(Body),
    /// The client waits for `100 Continue` and has not been told to send anything.
    NotSent,
}

/// Has the request's body come back when its handler drops it.
pub(crate) fn watch(request: Request) -> (Request, Option<Unread>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let unread = Unread {
        left: Arc::default(),
        is_http1: request.version() <= Version::HTTP_11,
    };
    let left = unread.left.clone();
    let awaits_continue = request.headers().contains_key(EXPECT);
    let request = request.map(|body| {
        Body::new(WatchedBody {
            body,
            left,
            awaits_continue,
            is_over: false,
        })
    });
    (request, Some(unread))
}

/// Holds back the end of a refusal until the rest of the request's body has come.
pub(crate) fn drain_after(mut response: Response, unread: Option<Unread>) -> Response {
    let Some(unread) = unread else {
        return response;
    };
    let left = std::mem::take(&mut *lock(&unread.left));
    let closes = match &left {
        Left::Nothing => false,
        Left::NotSent => true,
        Left::Rest(rest) => rest.size_hint().lower() > MAX_BYTES,
    };
    if unread.is_http1 && (closes || response.status() == StatusCode::REQUEST_TIMEOUT) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    match left {
        Left::Rest(rest) => response.map(|answer| {
            Body::new(DrainingBody {
                answer,
                rest: Some(rest),
                drained_bytes: 0,
                pause: Box::pin(tokio::time::sleep(MAX_PAUSE)),
                ends_at: Instant::now() + MAX_TIME,
            })
        }),
        Left::Nothing | Left::NotSent => response,
    }
}

fn lock(left: &Mutex<Left>) -> MutexGuard<'_, Left> {
    left.lock().unwrap_or_else(PoisonError::into_inner)
}

struct WatchedBody {
    body: Body,
    left: Arc<Mutex<Left>>,
    awaits_continue: bool,
    is_over: bool,
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.awaits_continue = false;
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.is_over = matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if self.is_over || self.body.is_end_stream() {
            return;
        }
        *lock(&self.left) = if self.awaits_continue {
            Left::NotSent
        } else {
            Left::Rest(std::mem::take(&mut self.body))
        };
    }
}

struct DrainingBody {
    answer: Body,
    rest: Option<Body>,
    drained_bytes: u64,
    pause: Pin<Box<Sleep>>,
    ends_at: Instant,
}

impl DrainingBody {
    /// Ready when there is nothing more to wait for.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(());
        };
        while let Poll::Ready(frame) = Pin::new(&mut *rest).poll_frame(cx) {
            let Some(Ok(frame)) = frame else {
                return Poll::Ready(());
            };
            self.drained_bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
            let now = Instant::now();
            if self.drained_bytes > MAX_BYTES || now >= self.ends_at {
                return Poll::Ready(());
            }
            self.pause
                .as_mut()
                .reset((now + MAX_PAUSE).min(self.ends_at));
        }
        self.pause.as_mut().poll(cx)
    }
}

impl http_body::Body for DrainingBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match ready!(Pin::new(&mut self.answer).poll_frame(cx)) {
            Some(frame) => Poll::Ready(Some(frame)),
            None => {
                ready!(self.poll_drain(cx));
                self.rest = None;
                Poll::Ready(None)
            }
        }
    }

    /// Open at the top, so that the end can be held back.
    fn size_hint(&self) -> SizeHint {
        SizeHint::new()
    }
}
