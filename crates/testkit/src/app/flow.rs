//! The way of a file through the API, for tests that are about one step of it.

use bytes::Bytes;
use serde_json::{Value, json};

use super::Response;
use super::caller::{Call, Caller, SESSIONS};

/// A file that a client has.
#[derive(Debug, Clone)]
pub struct LocalFile {
    /// Its `FileMetadata` (CONTRACT section 1.1).
    pub metadata: Value,
    /// Its bytes.
    pub bytes: Bytes,
}

impl LocalFile {
    /// A PDF.
    pub fn pdf(key: &str, size: usize) -> Self {
        Self::new(
            "instruction",
            key,
            "application/pdf",
            "pdf",
            b"%PDF-1.7\n",
            size,
        )
    }

    /// A PNG.
    pub fn image(key: &str, size: usize) -> Self {
        Self::new("image", key, "image/png", "png", PNG, size)
    }

    /// A PNG to stand for the whole.
    pub fn thumbnail(key: &str, size: usize) -> Self {
        Self::new("thumbnail", key, "image/png", "png", PNG, size)
    }

    /// A parts list.
    pub fn csv(key: &str, size: usize) -> Self {
        Self::new(
            "parts-list",
            key,
            "text/csv",
            "csv",
            b"part,quantity\n",
            size,
        )
    }

    fn new(
        category: &str,
        key: &str,
        media_type: &str,
        ext: &str,
        head: &[u8],
        size: usize,
    ) -> Self {
        // Printable, and such that no two windows of a part's size are the same.
        let tail = (0..size).flat_map(|index| format!("{key}{index};").into_bytes());
        let bytes: Bytes = head.iter().copied().chain(tail).take(size).collect();
        Self {
            metadata: json!({
                "category": category, "name": key, "size": size, "type": media_type, "ext": ext,
            }),
            bytes,
        }
    }

    /// With this member in its metadata.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.metadata[member] = value.into();
        self
    }

    /// With these bytes, of which only the size is told.
    pub fn holding(mut self, bytes: impl Into<Bytes>) -> Self {
        self.bytes = bytes.into();
        self.metadata["size"] = self.bytes.len().into();
        self
    }

    /// The bytes of a part, from 1.
    pub fn part(&self, part_number: u32, part_size: usize) -> Bytes {
        let start = (part_number as usize - 1) * part_size;
        self.bytes
            .slice(start..self.bytes.len().min(start + part_size))
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR";

/// A file that the server knows.
#[derive(Debug, Clone)]
pub struct RemoteFile {
    /// Its id.
    pub file_id: String,
    /// `{SESSIONS}/{sessionId}/files/{fileId}`.
    pub path: String,
    /// Bytes.
    pub part_size: usize,
    /// How many parts it has.
    pub part_count: u32,
}

impl RemoteFile {
    /// What a 201 of endpoint 5, or a result of endpoint 6, tells.
    pub fn new(session_id: &str, registered: &Value) -> Self {
        let file_id = registered["fileId"].as_str().unwrap().to_owned();
        Self {
            path: format!("{SESSIONS}/{session_id}/files/{file_id}"),
            file_id,
            part_size: registered["partSizeBytes"].as_u64().unwrap() as usize,
            part_count: registered["partCount"].as_u64().unwrap() as u32,
        }
    }
}

/// The body of endpoint 1 for these files.
pub fn create_body(files: &[LocalFile]) -> Value {
    let files: Vec<&Value> = files.iter().map(|file| &file.metadata).collect();
    json!({ "files": files })
}

/// `{SESSIONS}/{sessionId}`.
pub fn session_path(session_id: &str) -> String {
    format!("{SESSIONS}/{session_id}")
}

impl Caller {
    /// Opens a session for these files; its id.
    pub async fn create_session(&self, files: &[LocalFile]) -> String {
        let created = self
            .post(SESSIONS)
            .json(&create_body(files))
            .await
            .expect(201);
        created.json()["sessionId"].as_str().unwrap().to_owned()
    }

    /// Endpoint 5, to be awaited.
    pub fn register_call(&self, session_id: &str, file: &LocalFile) -> Call {
        self.post(format!("{SESSIONS}/{session_id}/files"))
            .json(&file.metadata)
    }

    /// Registers a file.
    pub async fn register(&self, session_id: &str, file: &LocalFile) -> RemoteFile {
        let registered = self.register_call(session_id, file).await.expect(201);
        RemoteFile::new(session_id, &registered.json())
    }

    /// Endpoint 7, to be awaited.
    pub fn put_part(&self, remote: &RemoteFile, part_number: u32, bytes: impl Into<Bytes>) -> Call {
        self.put(format!("{}/parts/{part_number}", remote.path))
            .bytes(bytes)
    }

    /// Sends all parts of a file; what endpoint 9 wants to know.
    pub async fn put_parts(&self, remote: &RemoteFile, file: &LocalFile) -> Value {
        let mut parts = Vec::new();
        for part_number in 1..=remote.part_count {
            let bytes = file.part(part_number, remote.part_size);
            let put = self.put_part(remote, part_number, bytes).await.expect(200);
            parts.push(json!({ "partNumber": part_number, "etag": put.json()["etag"] }));
        }
        json!({ "parts": parts })
    }

    /// Endpoint 9, to be awaited.
    pub fn complete_call(&self, remote: &RemoteFile, parts: &Value) -> Call {
        self.post(format!("{}/complete", remote.path)).json(parts)
    }

    /// Registers a file, sends its parts and completes it.
    pub async fn upload(&self, session_id: &str, file: &LocalFile) -> RemoteFile {
        let remote = self.register(session_id, file).await;
        let parts = self.put_parts(&remote, file).await;
        self.complete_call(&remote, &parts).await.expect(200);
        remote
    }

    /// A session with these files, all of them completed: its id and they.
    pub async fn upload_all(&self, files: &[LocalFile]) -> (String, Vec<RemoteFile>) {
        let session_id = self.create_session(files).await;
        let mut remotes = Vec::new();
        for file in files {
            remotes.push(self.upload(&session_id, file).await);
        }
        (session_id, remotes)
    }

    /// Endpoint 11, to be awaited.
    pub fn finalize_call(&self, session_id: &str, title: &str) -> Call {
        self.post(format!("{SESSIONS}/finalize"))
            .json(&json!({ "uploadSessionId": session_id, "title": title }))
    }

    /// A session as it is now.
    pub async fn session(&self, session_id: &str) -> Value {
        self.get(session_path(session_id)).await.expect(200).json()
    }

    /// The octets of a completed file.
    pub async fn content(&self, remote: &RemoteFile) -> Response {
        self.get(format!("{}/content", remote.path)).await
    }
}
