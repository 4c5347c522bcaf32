//! A session as clients see it (CONTRACT section 1.10).

use moc_uploads_core::file::{Category, FileStatus};
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::ports::FileProgress;
use moc_uploads_core::session::{SessionStatus, SessionSummary};
use moc_uploads_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::names;
use crate::v1::moc::MocBody;

/// A session and its sums.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSummary)]
pub(crate) struct SummaryBody {
    #[schema(value_type = uuid::Uuid)]
    session_id: SessionId,
    #[schema(value_type = names::SessionStatus)]
    status: SessionStatus,
    #[schema(value_type = i64)]
    part_size_bytes: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it expires unless it is used.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// Declared files.
    #[schema(value_type = i64)]
    file_count: u64,
    /// Their bytes.
    #[schema(value_type = i64)]
    bytes_total: u64,
    /// Bytes that have arrived.
    #[schema(value_type = i64)]
    bytes_received: u64,
    /// What it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    moc: Option<MocBody>,
}

impl SummaryBody {
    pub(crate) fn new(status: SessionStatus, summary: SessionSummary) -> Self {
        let session = summary.session;
        Self {
            session_id: session.id,
            status,
            part_size_bytes: session.part_size_bytes,
            created_at: session.created_at,
            expires_at: session.expires_at,
            file_count: summary.file_count,
            bytes_total: summary.bytes_total,
            bytes_received: summary.bytes_received,
            moc: summary.moc.map(MocBody::from),
        }
    }
}

/// A session with its files.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionDetails)]
pub(crate) struct SessionBody {
    #[serde(flatten)]
    pub(crate) summary: SummaryBody,
    /// In the order of their registration.
    pub(crate) files: Vec<FileBody>,
}

/// A registered file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionFile)]
pub(crate) struct FileBody {
    #[schema(value_type = uuid::Uuid)]
    file_id: FileId,
    /// Names the file within its session.
    key: String,
    #[schema(value_type = names::FileCategory)]
    category: Category,
    name: String,
    /// Bytes.
    #[schema(value_type = i64)]
    size: u64,
    r#type: String,
    #[schema(value_type = names::FileStatus)]
    status: FileStatus,
    part_count: u32,
    parts_received: u32,
    #[schema(value_type = i64)]
    bytes_received: u64,
    /// Where it can be had once it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    file_url: Option<String>,
}

impl FileBody {
    pub(crate) fn new(progress: FileProgress, part_size_bytes: u64) -> Self {
        let part_count = progress.file.plan(part_size_bytes).part_count();
        let file = progress.file;
        Self {
            file_id: file.id,
            key: file.metadata.key,
            category: file.metadata.category,
            name: file.metadata.name,
            size: file.metadata.size_bytes,
            r#type: file.metadata.content_type,
            status: file.status,
            part_count,
            parts_received: progress.parts_received,
            bytes_received: progress.bytes_received,
            file_url: file.file_url,
        }
    }
}
