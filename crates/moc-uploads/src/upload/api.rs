//! The calls that an upload makes (CONTRACT section 1), each tried once.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::error::{Error, Problem};
use super::files::LocalFile;

/// For connecting, and for the whole of a call with a JSON body.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// `FileMetadata` of CONTRACT section 1.1.
#[derive(Debug, Serialize)]
pub(crate) struct FileMetadata<'a> {
    category: &'static str,
    name: &'a str,
    size: u64,
    #[serde(rename = "type")]
    content_type: &'a str,
    ext: &'a str,
    key: &'a str,
    hash: &'a str,
}

impl<'a> FileMetadata<'a> {
    /// `hash` is the file's SHA-256 in hex.
    pub(crate) fn new(file: &'a LocalFile, hash: &'a str) -> Self {
        Self {
            category: file.category.as_str(),
            name: &file.name,
            size: file.size,
            content_type: &file.content_type,
            ext: &file.ext,
            key: &file.key,
            hash,
        }
    }
}

/// The body of 1.1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateSession<'a> {
    /// In the order of the command line.
    pub(crate) files: Vec<FileMetadata<'a>>,
    /// Whether files may be uploaded that were before.
    pub(crate) allow_duplicates: bool,
}

/// The answer of 1.1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatedSession {
    /// Of the new session.
    pub(crate) session_id: String,
    /// Of every part but the last.
    pub(crate) part_size_bytes: u64,
}

/// The answer of 1.10.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionStatus {
    /// `active`, `completed`, `expired` or `cancelled`.
    pub(crate) status: String,
    /// Of every part but the last.
    pub(crate) part_size_bytes: u64,
    /// Those registered.
    pub(crate) files: Vec<FileState>,
}

/// A registered file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FileState {
    /// Of the server.
    pub(crate) file_id: String,
    /// Of the client.
    pub(crate) key: String,
    /// Once it is completed.
    #[serde(default)]
    pub(crate) file_url: Option<String>,
}

/// The answer of 1.3.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registered {
    file_id: String,
}

/// A part that the server has.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    /// From 1.
    pub(crate) part_number: u32,
    /// As the server gave it.
    pub(crate) etag: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Parts {
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completed {
    file_url: String,
}

/// What finalize is asked for (1.6).
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MocDraft {
    /// 1 to 200 characters.
    pub(crate) title: String,
    /// Up to 5000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// Up to 20 of up to 50 characters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tags: Vec<String>,
    /// Up to 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) theme: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finalize<'a> {
    upload_session_id: &'a str,
    #[serde(flatten)]
    draft: &'a MocDraft,
}

/// What was created.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Moc {
    /// Of the MOC.
    pub(crate) id: String,
    /// As given.
    pub(crate) title: String,
    /// Unique for the user.
    pub(crate) slug: String,
    /// Everything else that the server says, as it says it.
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

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
        let url = Url::parse(server)
            .map_err(|error| usage(format!("--server {server:?} is no URL: {error}.")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(usage(format!(
                "--server {server:?} must begin with http:// or https://."
            )));
        }
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
            .map_err(|error| Error::network(server, &error))?;
        Ok(Self {
            client,
            base: server.trim_end_matches('/').to_owned(),
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

    /// Assembles a file; gives its URL.
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
        Ok(completed.file_url)
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
        let body = response.bytes().await;
        let body = body.map_err(|error| Error::network(&self.base, &error))?;
        if status.is_success() {
            return Ok(body.into());
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
        for server in ["localhost:3000", "ftp://a", "nonsense", "http://"] {
            assert!(
                matches!(Api::new(server, None), Err(Error::Usage(_))),
                "{server}"
            );
        }
    }
}
