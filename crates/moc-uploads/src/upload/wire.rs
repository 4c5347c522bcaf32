//! The bodies that go to and come from the server (CONTRACT section 1).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::draft::MocDraft;
use super::files::LocalFile;

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
    #[serde(deserialize_with = "id")]
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
    #[serde(deserialize_with = "id")]
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
pub(crate) struct Registered {
    /// Of the server.
    #[serde(deserialize_with = "id")]
    pub(crate) file_id: String,
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

/// The answer of 8 and the body of 9.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Parts {
    /// In any order.
    pub(crate) parts: Vec<Part>,
}

/// The answer of 1.5.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Completed {
    /// Where the file's bytes come back from.
    pub(crate) file_url: String,
}

/// The body of 1.6.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finalize<'a> {
    /// Of the session.
    pub(crate) upload_session_id: &'a str,
    /// Of the MOC.
    #[serde(flatten)]
    pub(crate) draft: &'a MocDraft,
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

/// Ids are UUIDs. They become part of paths: a server that gives anything else is none of ours.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Uuid::deserialize(deserializer).map(|id| id.to_string())
}
