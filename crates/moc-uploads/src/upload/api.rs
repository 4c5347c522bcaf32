//! The calls that an upload makes (CONTRACT section 1), each tried once.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::draft::MocDraft;
use super::error::{Error, Problem};
use super::wire::{
    Completed, CreateSession, CreatedSession, FileMetadata, Finalize, Moc, Part, Parts, Registered,
    SessionStatus,
};

/// For connecting, and for the whole of a call with a JSON body.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// The longest answer that is read: 10 000 parts are less than 2 MiB.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A server and who is calling it.
#[derive(Debug)]
pub(crate) struct Api {
    client: Client,
    base: String,
    token: Option<HeaderValue>,
}

impl Api {
    /// # Errors
    /// [`Error::Usage`] when the URL or the token can't be right.
    pub(crate) fn new(server: &str, token: Option<&str>) -> Result<Self, Error> {
        let usage = |problem: String| Error::Usage(vec![problem]);
        let base = base(server).map_err(usage)?;
        let token = token
            .filter(|token| !token.is_empty())
            .map(|token| HeaderValue::from_str(&format!("Bearer {token}")))
            .transpose()
            .map_err(|_| usage("The token has characters that no token has.".to_owned()))?
            .map(|mut token| {
                token.set_sensitive(true);
                token
            });
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("moc-uploads/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::network(&base, &error))?;
        Ok(Self {
            client,
            base,
            token,
        })
    }

    /// The server, without a slash at the end.
    pub(crate) fn server(&self) -> &str {
        &self.base
    }

    /// Opens a session; the same `idempotency_key` opens it once.
    pub(crate) async fn create(
        &self,
        body: &CreateSession<'_>,
        idempotency_key: &str,
    ) -> Result<CreatedSession, Error> {
        let request = self.request(Method::POST, "/sessions");
        let request = request.header("Idempotency-Key", idempotency_key);
        self.json(request.json(body)).await
    }

    /// What the server knows of a session.
    pub(crate) async fn session(&self, session_id: &str) -> Result<SessionStatus, Error> {
        self.json(self.request(Method::GET, &format!("/sessions/{session_id}")))
            .await
    }

    /// Ends a session and frees what it stored.
    pub(crate) async fn cancel(&self, session_id: &str) -> Result<(), Error> {
        let request = self.request(Method::DELETE, &format!("/sessions/{session_id}"));
        let response = self.send(request.timeout(CALL_TIMEOUT)).await?;
        self.accept(response).await.map(drop)
    }

    /// Registers a file; gives its id.
    pub(crate) async fn register(
        &self,
        session_id: &str,
        file: &FileMetadata<'_>,
    ) -> Result<String, Error> {
        let request = self.request(Method::POST, &format!("/sessions/{session_id}/files"));
        let registered: Registered = self.json(request.json(file)).await?;
        Ok(registered.file_id)
    }

    /// The parts of a file that have arrived.
    pub(crate) async fn parts(&self, session_id: &str, file_id: &str) -> Result<Vec<Part>, Error> {
        let path = format!("/sessions/{session_id}/files/{file_id}/parts");
        let parts: Parts = self.json(self.request(Method::GET, &path)).await?;
        Ok(parts.parts)
    }

    /// Sends a part of `len` bytes, whose SHA-256 in Base64 is `checksum`. Takes as long as it
    /// takes: the caller watches that it moves.
    pub(crate) async fn put_part(
        &self,
        session_id: &str,
        file_id: &str,
        part_number: u32,
        (body, len, checksum): (reqwest::Body, u64, &str),
    ) -> Result<Part, Error> {
        let path = format!("/sessions/{session_id}/files/{file_id}/parts/{part_number}");
        let request = self
            .request(Method::PUT, &path)
            .header(CONTENT_LENGTH, len)
            .header("x-amz-checksum-sha256", checksum)
            .body(body);
        let response = self.send(request).await?;
        parse(&self.accept(response).await?)
    }

    /// Assembles a file; gives its URL, as [`Api::content_url`].
    pub(crate) async fn complete(
        &self,
        session_id: &str,
        file_id: &str,
        parts: &[Part],
    ) -> Result<String, Error> {
        let path = format!("/sessions/{session_id}/files/{file_id}/complete");
        let body = Parts {
            parts: parts.to_vec(),
        };
        let completed: Completed = self
            .json(self.request(Method::POST, &path).json(&body))
            .await?;
        Ok(self.content_url(session_id, file_id, completed.file_url))
    }

    /// Where the bytes of a file come back from, to whoever may read it: `file_url`, unless that is
    /// the address of an object in a bucket, which answers to nobody (CONTRACT section 1.5).
    pub(crate) fn content_url(&self, session_id: &str, file_id: &str, file_url: String) -> String {
        let path = format!("/api/mocs/uploads/sessions/{session_id}/files/{file_id}/content");
        if file_url.ends_with(&path) {
            file_url
        } else {
            format!("{}{path}", self.base)
        }
    }

    /// Creates the MOC; `None` while another call is at it.
    pub(crate) async fn finalize(
        &self,
        session_id: &str,
        draft: &MocDraft,
    ) -> Result<Option<Moc>, Error> {
        let body = Finalize {
            upload_session_id: session_id,
            draft,
        };
        let request = self.request(Method::POST, "/sessions/finalize");
        let answer: Value = self.json(request.json(&body)).await?;
        moc_of(answer)
    }

    /// What the sessions' events say; for admins.
    pub(crate) async fn analytics(&self, query: &[(&str, &str)]) -> Result<Value, Error> {
        let request = self.request(Method::GET, "/sessions/analytics");
        self.json(request.query(query)).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/mocs/uploads{path}", self.base);
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.header(AUTHORIZATION, token),
            None => request,
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, Error> {
        let response = self.send(request.timeout(CALL_TIMEOUT)).await?;
        parse(&self.accept(response).await?)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let sent = request.send().await;
        sent.map_err(|error| Error::network(&self.base, &error))
    }

    /// The body of a success, else the problem.
    async fn accept(&self, response: Response) -> Result<Vec<u8>, Error> {
        let status = response.status();
        let header = |name| {
            let value: Option<&HeaderValue> = response.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (location, retry_after) = (header(LOCATION), header(RETRY_AFTER));
        let body = self.body(response).await?;
        if status.is_success() {
            return Ok(body);
        }
        let mut problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        problem.status = status.as_u16();
        problem.retry_after = retry_after
            .and_then(|value| value.parse().ok())
            .map(Duration::from_secs);
        if problem.code.is_empty() {
            problem.code = format!("HTTP_{}", status.as_u16());
        }
        if problem.detail.is_empty() {
            problem.detail = match location {
                Some(location) => format!("{} answers with a redirect to {location}.", self.base),
                None => format!("{} answers {status}.", self.base),
            };
        }
        Err(Error::Refused(Box::new(problem)))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| Error::network(&self.base, &error))?
        {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(Error::Unexpected(format!(
                    "it is longer than {MAX_ANSWER_BYTES} bytes"
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// The URL that the paths are put behind. What is wrong with it is said without repeating it:
/// there may be a password in it.
fn base(server: &str) -> Result<String, String> {
    let url = Url::parse(server)
        .map_err(|error| format!("--server must be a URL like http://127.0.0.1:3000: {error}."))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("--server must begin with http:// or https://.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "--server has a user name or a password in it, which the server does not take. Give \
             a token with MOC_UPLOADS_TOKEN."
                .to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("--server must not have a ? or a # in it.".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// `{ "status": "finalizing" }` has no MOC.
fn moc_of(answer: Value) -> Result<Option<Moc>, Error> {
    if answer["status"] == "finalizing" {
        return Ok(None);
    }
    serde_json::from_value(answer)
        .map(Some)
        .map_err(|error| Error::Unexpected(error.to_string()))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Unexpected(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn finalize_answers_are_told_apart() {
        let moc = json!({"id": "1", "title": "T", "slug": "t", "status": "private", "pdfKey": "k"});
        let moc = moc_of(moc).unwrap().unwrap();
        assert_eq!((moc.slug.as_str(), &moc.rest["pdfKey"]), ("t", &json!("k")));
        let running = json!({"status": "finalizing", "idempotent": true});
        assert!(moc_of(running).unwrap().is_none());
        assert!(moc_of(json!({"status": "private"})).is_err());
    }

    #[test]
    fn a_server_is_a_url() {
        for (server, expected) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("HTTPS://Example.org/moc/", "https://example.org/moc"),
        ] {
            assert_eq!(base(server).as_deref(), Ok(expected));
        }
        for server in [
            "localhost:3000",
            "ftp://a",
            "nonsense",
            "http://",
            "http://a/?b",
            "http://a/#b",
        ] {
            assert!(base(server).is_err(), "{server}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for server in [
            "http://user:sesame@127.0.0.1:3000",
            "http://sesame@127.0.0.1:3000",
            "http://:sesame@127.0.0.1:3000",
            "http://user:sesame@127.0.0.1:99999",
            "ftp://user:sesame@a",
        ] {
            let problem = base(server).unwrap_err();
            assert!(!problem.contains("sesame"), "{problem}");
        }
    }

    #[test]
    fn ids_are_uuids() {
        let session = |id: &str| {
            parse::<CreatedSession>(
                json!({"sessionId": id, "partSizeBytes": 5})
                    .to_string()
                    .as_bytes(),
            )
        };
        assert!(session("0198c0de-0000-7000-8000-000000000001").is_ok());
        assert!(session("../../../evil?x#y").is_err());
    }
}
