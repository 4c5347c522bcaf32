//! A client of the upload API, as far as the bench needs one.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::http_client::{Answer, Connection};
use crate::server::mint_token;
use crate::{MIB, Result};

const BASE: &str = "/api/mocs/uploads/sessions";
const PART_BYTES: u64 = 5 * MIB;

/// One user's headers.
#[derive(Clone)]
pub(crate) struct Caller {
    authorization: String,
    json: String,
}

impl Caller {
    pub(crate) fn new(user: &str) -> Result<Self> {
        let authorization = format!("authorization: Bearer {}\r\n", mint_token(user)?);
        Ok(Self {
            json: format!("{authorization}content-type: application/json\r\n"),
            authorization,
        })
    }

    /// A session for one PDF.
    pub(crate) fn create(&self, connection: &mut Connection, size: u64) -> Result<Session> {
        let body = json!({ "files": [metadata(size)] }).to_string();
        let answer = connection.request("POST", BASE, &self.json, body.as_bytes())?;
        let session_id = text(&answer.json()?, "sessionId")?;
        Ok(Session {
            path: format!("{BASE}/{session_id}"),
            size,
        })
    }

    pub(crate) fn register(
        &self,
        connection: &mut Connection,
        session: &Session,
    ) -> Result<FileUpload> {
        let path = format!("{}/files", session.path);
        let body = metadata(session.size).to_string();
        let answer = connection.request("POST", &path, &self.json, body.as_bytes())?;
        let file_id = text(&answer.json()?, "fileId")?;
        Ok(FileUpload {
            path: format!("{path}/{file_id}"),
            size: session.size,
        })
    }

    /// For parts that go straight into a bucket: where to, and as what, in order.
    pub(crate) fn register_presigned(
        &self,
        connection: &mut Connection,
        session: &Session,
        part_count: usize,
    ) -> Result<(FileUpload, Vec<(SocketAddr, String)>)> {
        let path = format!("{}/files", session.path);
        let mut file = metadata(session.size);
        file["partCount"] = json!(part_count);
        let body = file.to_string();
        let answer = connection.request("POST", &path, &self.json, body.as_bytes())?;
        let answer = answer.json()?;
        let urls = answer["presignedUrls"].as_array().ok_or("no URLs")?;
        let urls = urls.iter().map(|entry| {
            let url = text(entry, "url")?;
            let url = url.strip_prefix("http://").ok_or("not HTTP")?;
            let (host, path) = url.split_once('/').ok_or("no path")?;
            Ok((host.parse()?, format!("/{path}")))
        });
        let upload = FileUpload {
            path: format!("{path}/{}", text(&answer, "fileId")?),
            size: session.size,
        };
        Ok((upload, urls.collect::<Result<_>>()?))
    }

    /// Frees what the session has stored.
    pub(crate) fn cancel(&self, connection: &mut Connection, session: &Session) -> Result<()> {
        connection
            .request("DELETE", &session.path, &self.authorization, &[])?
            .expect_success()
    }

    pub(crate) fn put_part(
        &self,
        connection: &mut Connection,
        file: &FileUpload,
        part_number: u32,
        body: &[u8],
    ) -> Result<String> {
        let path = file.part_path(part_number);
        etag(&connection.request("PUT", &path, &self.authorization, body)?)
    }

    /// `midway` runs when half of the part has been written.
    pub(crate) fn put_part_in_halves(
        &self,
        connection: &mut Connection,
        file: &FileUpload,
        part_number: u32,
        body: &[u8],
        midway: impl FnOnce(),
    ) -> Result<String> {
        let path = file.part_path(part_number);
        let headers = &self.authorization;
        etag(&connection.request_in_halves("PUT", &path, headers, body, midway)?)
    }

    /// `etags` of all parts, in order.
    pub(crate) fn complete(
        &self,
        connection: &mut Connection,
        file: &FileUpload,
        etags: &[String],
    ) -> Result<()> {
        let parts: Vec<Value> = etags
            .iter()
            .zip(1u32..)
            .map(|(etag, part_number)| json!({ "partNumber": part_number, "etag": etag }))
            .collect();
        let path = format!("{}/complete", file.path);
        let body = json!({ "parts": parts }).to_string();
        connection
            .request("POST", &path, &self.json, body.as_bytes())?
            .expect_success()
    }

    /// Makes the MOC; the file must begin like a PDF.
    pub(crate) fn finalize(
        &self,
        connection: &mut Connection,
        session: &Session,
        title: &str,
    ) -> Result<()> {
        let session_id = session.path.trim_start_matches(BASE).trim_matches('/');
        let body = json!({ "uploadSessionId": session_id, "title": title }).to_string();
        let path = format!("{BASE}/finalize");
        connection
            .request("POST", &path, &self.json, body.as_bytes())?
            .expect_success()
    }

    /// Asks for a session with a file of this hash; the status of the answer.
    pub(crate) fn ask_for(
        &self,
        connection: &mut Connection,
        size: u64,
        hash: &str,
    ) -> Result<u16> {
        let mut file = metadata(size);
        file["hash"] = json!(hash);
        let body = json!({ "files": [file] }).to_string();
        let answer = connection.request("POST", BASE, &self.json, body.as_bytes())?;
        Ok(answer.status)
    }

    /// Sends all parts of a file, the next free connection the next part; their ETags, in order.
    pub(crate) fn put_all_parts(
        &self,
        addr: SocketAddr,
        file: &FileUpload,
        connections: u32,
        body: &[u8],
    ) -> Result<Vec<String>> {
        let next = AtomicU32::new(1);
        let mut received: Vec<(u32, String)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..connections)
                .map(|_| {
                    scope.spawn(|| -> Result<Vec<(u32, String)>> {
                        let mut connection = Connection::open(addr)?;
                        let mut received = Vec::new();
                        loop {
                            let part_number = next.fetch_add(1, Ordering::Relaxed);
                            let Some(length) = file.part_len(part_number) else {
                                return Ok(received);
                            };
                            let body = &body[..length];
                            let etag = self.put_part(&mut connection, file, part_number, body)?;
                            received.push((part_number, etag));
                        }
                    })
                })
                .collect();
            join_all(workers)
        })?
        .concat();
        received.sort_unstable();
        Ok(received.into_iter().map(|(_, etag)| etag).collect())
    }
}

pub(crate) struct Session {
    path: String,
    size: u64,
}

pub(crate) struct FileUpload {
    path: String,
    size: u64,
}

impl FileUpload {
    fn part_path(&self, part_number: u32) -> String {
        let mut path = self.path.clone();
        // Writing to a string can't fail.
        let _ = write!(path, "/parts/{part_number}");
        path
    }

    /// `None` past the last part.
    pub(crate) fn part_len(&self, part_number: u32) -> Option<usize> {
        part_len(self.size, part_number)
    }
}

/// The bytes of part `part_number`, from 1, of a file of `size`; `None` past the last one.
pub(crate) fn part_len(size: u64, part_number: u32) -> Option<usize> {
    let offset = u64::from(part_number - 1) * PART_BYTES;
    let length = size.checked_sub(offset)?.min(PART_BYTES);
    (length > 0).then_some(length as usize)
}

/// A part's worth of bytes that no compression or hole makes cheaper.
pub(crate) fn part_body() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    (0..PART_BYTES / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect()
}

/// Waits for all; the first failure, if any.
pub(crate) fn join_all<T>(
    workers: Vec<std::thread::ScopedJoinHandle<'_, Result<T>>>,
) -> Result<Vec<T>> {
    workers
        .into_iter()
        .map(|worker| worker.join().map_err(|_| "a client panicked")?)
        .collect()
}

fn metadata(size: u64) -> Value {
    json!({
        "category": "instruction",
        "name": "castle.pdf",
        "size": size,
        "type": "application/pdf",
        "ext": "pdf",
    })
}

fn etag(answer: &Answer) -> Result<String> {
    answer.expect_success()?;
    answer
        .etag
        .clone()
        .ok_or_else(|| "a part without an ETag".into())
}

fn text(body: &Value, member: &str) -> Result<String> {
    body[member]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("no {member} in {body}").into())
}
