//! Requests by kinds of callers.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::Value;
use tower::ServiceExt;

use super::Response;
use super::token::{Claims, sign_hs256};
use crate::clock::ManualClock;

/// The routes under which sessions are.
pub const SESSIONS: &str = "/api/mocs/uploads/sessions";

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Caller {
    pub(super) router: Router,
    pub(super) clock: Arc<ManualClock>,
    pub(super) identity: Identity,
}

#[derive(Clone)]
pub(super) enum Identity {
    Anonymous,
    User { sub: String, is_admin: bool },
    Token(String),
}

impl Caller {
    /// A request, sent when it is awaited.
    pub fn call(&self, method: Method, path: impl AsRef<str>) -> Call {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.as_ref().parse().unwrap();
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().insert(HOST, host);
        if let Some(token) = self.token() {
            let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        Call {
            router: self.router.clone(),
            request,
        }
    }

    /// A GET.
    pub fn get(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::GET, path)
    }

    /// A HEAD.
    pub fn head(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::HEAD, path)
    }

    /// A POST.
    pub fn post(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::POST, path)
    }

    /// A PUT.
    pub fn put(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::PUT, path)
    }

    /// A DELETE.
    pub fn delete(&self, path: impl AsRef<str>) -> Call {
        self.call(Method::DELETE, path)
    }

    /// The caller's token, valid for an hour from now.
    pub fn token(&self) -> Option<String> {
        match &self.identity {
            Identity::Anonymous => None,
            Identity::Token(token) => Some(token.clone()),
            Identity::User { sub, is_admin } => {
                let mut claims = Claims::new(sub, &self.clock);
                if *is_admin {
                    claims = claims.with("roles", ["admin"]);
                }
                Some(sign_hs256(&claims, super::JWT_SECRET))
            }
        }
    }
}

/// A request about to be sent; awaiting it sends it.
#[must_use = "a request is sent when it is awaited"]
pub struct Call {
    router: Router,
    request: Request<Body>,
}

impl Call {
    /// With this header, replacing an earlier one of the name.
    pub fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_ref().as_bytes()).unwrap();
        let value = HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.request.headers_mut().insert(name, value);
        self
    }

    /// Without this header.
    pub fn without(mut self, name: &str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    /// With this JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.bytes(serde_json::to_vec(body).unwrap())
            .header(CONTENT_TYPE, "application/json")
    }

    /// With these bytes and their length.
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        let body: Bytes = body.into();
        let len = body.len().to_string();
        *self.request.body_mut() = Body::from(body);
        self.header(CONTENT_LENGTH, len)
            .header(CONTENT_TYPE, "application/octet-stream")
    }

    /// With a body whose length nobody knows, as `Transfer-Encoding: chunked` announces it.
    pub fn chunked(
        self,
        body: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    ) -> Self {
        self.stream(body).header(TRANSFER_ENCODING, "chunked")
    }

    /// With a body and no header about it.
    pub fn stream(
        mut self,
        body: impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
    ) -> Self {
        *self.request.body_mut() = Body::from_stream(body);
        self
    }
}

impl IntoFuture for Call {
    type Output = Response;
    type IntoFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let what = format!("{} {}", self.request.method(), self.request.uri());
            let response = self.router.oneshot(self.request).await.unwrap();
            Response::collect(what, response).await
        })
    }
}
