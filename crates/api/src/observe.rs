//! What is around every request: correlation id, log line, metrics, and the body of a refusal.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use http_body::{Body as _, Frame, SizeHint};
use moc_uploads_core::ErrorCode;
use tracing::{Instrument, Span, field};

use crate::state::AppState;
use crate::{host, problem, unread};

pub(crate) const X_CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// Names a request in answers and logs.
#[derive(Debug, Clone)]
pub(crate) struct CorrelationId(HeaderValue);

impl CorrelationId {
    /// The client's when it is sane (1 to 128 of `[A-Za-z0-9._-]`), else a new one.
    fn of(headers: &HeaderMap, new_id: impl FnOnce() -> String) -> Self {
        let sane = headers.get(X_CORRELATION_ID).filter(|value| {
            (1..=128).contains(&value.len())
                && value
                    .as_bytes()
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
        });
        Self(sane.cloned().unwrap_or_else(|| {
            HeaderValue::try_from(new_id()).unwrap_or(HeaderValue::from_static("-"))
        }))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or("-")
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The outermost layer.
pub(crate) async fn observe(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let correlation_id = CorrelationId::of(request.headers(), || {
        let deps = app.uploads.deps();
        deps.ids.new_id(deps.clock.now()).to_string()
    });
    // Never the query: it may hold a signature. Of the highest level: what a filter lets through of
    // this request is to have these fields.
    let span = tracing::error_span!(
        "request",
        %correlation_id,
        method = %request.method(),
        path = request.uri().path(),
        user = field::Empty,
    );
    if let Some(follow_caller) = app.config.follow_caller {
        follow_caller(&span, request.headers());
    }
    let mut record = Record::new(app, &request, span.clone());
    let is_head = request.method() == Method::HEAD;

    let (request, unread) = unread::watch(request);
    let mut response = match host::check(request.version(), request.headers()) {
        Ok(()) => next.run(request).instrument(span).await,
        Err(problem) => problem.into_response(),
    };
    record.code = problem::render(&mut response, &correlation_id);
    if response.status().is_client_error() || response.status().is_server_error() {
        response = unread::drain_after(response, unread);
    }
    response
        .headers_mut()
        .insert(X_CORRELATION_ID, correlation_id.0);
    record.status = Some(response.status());
    record.length = content_length(response.headers());
    record.is_whole = is_head || response.body().is_end_stream();
    response.map(|body| Body::new(RecordedBody { body, record }))
}

/// Writes the log line and the metrics when it is dropped: after the last byte of the answer, or
/// when the client goes away.
struct Record {
    app: AppState,
    span: Span,
    method: &'static str,
    route: Option<MatchedPath>,
    started_at: Instant,
    bytes_in: Option<u64>,
    bytes_out: u64,
    /// What the answer announces: a body that has reached it is not polled to its end.
    length: Option<u64>,
    status: Option<StatusCode>,
    code: Option<ErrorCode>,
    is_whole: bool,
}

impl Record {
    fn new(app: AppState, request: &Request, span: Span) -> Self {
        app.request_metrics.in_flight.increment(1.0);
        Self {
            app,
            span,
            method: method_name(request.method()),
            route: request.extensions().get().cloned(),
            started_at: Instant::now(),
            bytes_in: content_length(request.headers()),
            bytes_out: 0,
            length: None,
            status: None,
            code: None,
            is_whole: false,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let elapsed = self.started_at.elapsed();
        let _entered = self.span.enter();
        tracing::info!(
            status = self.status.map(|status| status.as_u16()),
            code = self.code.map(ErrorCode::as_str),
            elapsed_ms = elapsed.as_millis() as u64,
            bytes_in = self.bytes_in,
            bytes_out = self.bytes_out,
            "{}",
            if self.is_whole {
                "request answered"
            } else {
                "client went away"
            },
        );
        let metrics = &self.app.request_metrics;
        metrics.in_flight.decrement(1.0);
        let route = self.route.as_ref().map_or("unmatched", MatchedPath::as_str);
        metrics.count(route, (self.method, self.status), elapsed);
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Methods that anybody may invent must not become labels.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}

struct RecordedBody {
    body: Body,
    record: Record,
}

impl http_body::Body for RecordedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                self.record.bytes_out += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.record.is_whole =
                    self.body.is_end_stream() || self.record.length == Some(self.record.bytes_out);
            }
            Poll::Ready(Some(Err(error))) => {
                let _entered = self.record.span.enter();
                tracing::error!(%error, "answer broken off");
            }
            Poll::Ready(None) => self.record.is_whole = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_correlation_ids_are_echoed() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_CORRELATION_ID, HeaderValue::from_str(value).unwrap());
            CorrelationId::of(&headers, || "new".to_owned())
                .as_str()
                .to_owned()
        };
        assert_eq!(of("a.B_9-"), "a.B_9-");
        assert_eq!(of(&"a".repeat(128)), "a".repeat(128));
        for insane in ["", "a b", "a\"", "ü", &"a".repeat(129)] {
            assert_eq!(of(insane), "new", "{insane:?}");
        }
    }
}
