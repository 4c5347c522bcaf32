//! Errors as clients see them: `application/problem+json` (RFC 9457, CONTRACT section 2).

mod body;
pub(crate) mod catalog;
mod convert;
mod documented;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue};
use moc_uploads_core::ErrorCode;

pub(crate) use body::{FieldErrorBody, Members, ProblemDetails};
pub(crate) use documented::{problem_responses, responses_of};

use crate::observe::CorrelationId;

/// A refusal on its way out. It becomes a body in [`render`], where the correlation id is known.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    code: ErrorCode,
    detail: String,
    members: Box<Members>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// Characters of a detail, which may have what the client sent in it.
const MAX_DETAIL_CHARS: usize = 1000;

fn shorten(text: &mut String, max_chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(max_chars) {
        text.truncate(end);
        text.push('…');
    }
}

impl Problem {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        shorten(&mut detail, MAX_DETAIL_CHARS);
        Self {
            code,
            detail,
            members: Box::default(),
            headers: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, members: Members) -> Self {
        *self.members = members;
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    pub(crate) fn into_parts(self) -> (ErrorCode, String, Members) {
        (self.code, self.detail, *self.members)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = catalog::entry(self.code).status;
        if let Some(seconds) = self.members.retry_after_seconds {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        for (name, value) in &self.headers {
            response.headers_mut().insert(name, value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a response that is a [`Problem`], and says which it was.
pub(crate) fn render(response: &mut Response, correlation_id: &CorrelationId) -> Option<ErrorCode> {
    let problem = response.extensions_mut().remove::<Problem>()?;
    let code = problem.code;
    let details = ProblemDetails::new(problem, correlation_id);
    // Strings and numbers only: there is nothing that could fail.
    let json = serde_json::to_vec(&details).unwrap_or_default();
    *response.body_mut() = json.into();
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    Some(code)
}
