//! The object store: multipart uploads in, objects out.

use std::ops::Range;
use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::Stream;

use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::part::{ETag, Part, PartReceipt};
use crate::plan::PartPlan;
use crate::time::Timestamp;

/// The store's name for a multipart upload; opaque.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadId(pub String);

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where the object will be. No two uploads share a key.
    pub key: ObjectKey,
    /// The store's name for it.
    pub id: UploadId,
}

/// Bytes that come from a client.
pub type PartBody = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Bytes that go to a client.
pub type ObjectBody = Pin<Box<dyn Stream<Item = Result<Bytes, ObjectStoreError>> + Send>>;

/// Why a client's bytes stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// No progress for too long.
    #[error("the body made no progress for too long")]
    Idle,
    /// The connection broke.
    #[error("the body ended before it was whole")]
    Broken,
}

/// A digest that the client sent with a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checksum {
    /// `Content-MD5`.
    Md5([u8; 16]),
    /// `x-amz-checksum-sha256` or `Content-Digest: sha-256`.
    Sha256([u8; 32]),
    /// `Content-Digest: sha-512`.
    Sha512([u8; 64]),
}

/// A part on its way in.
#[derive(Debug, Clone)]
pub struct PutPart {
    /// From 1.
    pub part_number: u32,
    /// How the file is cut: the part has exactly `plan.part_len(part_number)` bytes and belongs at
    /// `plan.offset(part_number)`.
    pub plan: PartPlan,
    /// Whether a part of this number is recorded already: its bytes must stay until the new ones
    /// are whole.
    pub replaces: bool,
    /// Whether completion will compare the whole file with a SHA-256, so that a store may get ready
    /// to read the bytes again.
    pub will_be_hashed: bool,
    /// All must match.
    pub checksums: Vec<Checksum>,
}

/// Why a part was not stored. Whatever it is, an earlier part of the same number is intact.
#[derive(Debug, thiserror::Error)]
pub enum PutPartError {
    /// The client's bytes stopped.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Too few, or more than the plan says (then the count is where reading stopped).
    #[error("the body has {received_bytes} bytes")]
    WrongLength {
        /// How many came.
        received_bytes: u64,
    },
    /// A digest does not match; which one, as HTTP calls it.
    #[error("the bytes do not have the declared {0} digest")]
    ChecksumMismatch(&'static str),
    /// Completed or aborted meanwhile.
    #[error("there is no such upload")]
    NoSuchUpload,
    /// The part was sent so often with other bytes that the store keeps no more of them.
    #[error("too many versions of the part")]
    TooManyVersions,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] ObjectStoreError),
}

/// A file about to be assembled.
#[derive(Debug, Clone)]
pub struct CompleteUpload {
    /// All parts, in order, as they are recorded.
    pub parts: Vec<PartReceipt>,
    /// How the file is cut.
    pub plan: PartPlan,
    /// What the assembled bytes must have; `None` where none was declared, or where it is not to be
    /// verified.
    pub sha256: Option<[u8; 32]>,
}

/// How assembling went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompleteUploadOutcome {
    /// The object is there, whole and durable, with this ETag; also when it was there before.
    Completed(ETag),
    /// The bytes have another SHA-256.
    ChecksumMismatch {
        /// What the bytes have, in lower-case hex digits.
        actual: String,
        /// Whether the upload goes on, and no object is there. A store that can read nothing but
        /// objects has used it up. Its object stays, since removing it could hit what another
        /// upload has put in its place meanwhile; that other upload replaces it, or the end of the
        /// session removes it.
        is_upload_kept: bool,
    },
    /// The upload goes on, but does not hold these parts: one is missing, has another ETag or a
    /// size that the store does not take. Nothing was assembled. What it does hold is what
    /// [`ObjectStore::list_parts`] says.
    PartsDiffer,
    /// Neither the upload nor the object is there.
    NoSuchUpload,
}

/// What a store holds of an upload, beside what was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldParts {
    /// Nothing: clients can't reach this store but through this server.
    AsRecorded,
    /// Exactly these, in order, at most one of each number, of whatever size and number: clients
    /// may have put anything. `uploaded_at` is by the store's clock.
    Parts(Vec<Part>),
    /// The upload was completed or aborted, or never was.
    NoSuchUpload,
}

/// What the answer to a presigned GET is to carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedHeaders {
    /// `Content-Type`.
    pub content_type: String,
    /// `Content-Disposition`, visible ASCII.
    pub content_disposition: String,
    /// `Cache-Control`.
    pub cache_control: String,
}

/// An upload that was begun and neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartedUpload {
    /// The upload.
    pub upload: Upload,
    /// By the store's clock.
    pub started_at: Timestamp,
}

/// Where a listing of uploads goes on; what it holds is the store's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadCursor {
    /// The last key of the page, valid or not.
    pub key: String,
    /// The last upload of that key.
    pub upload_id: String,
}

/// A page of uploads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadPage {
    /// By key. Fewer than asked for, even none, when some were left out: that does not mean that
    /// it is the last page.
    pub uploads: Vec<StartedUpload>,
    /// `None` for the last page.
    pub next: Option<UploadCursor>,
}

/// Where a client may put a part by itself (CONTRACT section 1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresignedPart {
    /// From 1.
    pub part_number: u32,
    /// For a PUT.
    pub url: String,
    /// To be sent along, name and value.
    pub headers: Vec<(String, String)>,
    /// Until then.
    pub expires_at: Timestamp,
}

/// A part as a presigned URL names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartAddress {
    /// The session.
    pub session_id: SessionId,
    /// The file.
    pub file_id: FileId,
    /// From 1.
    pub part_number: u32,
}

/// Why the object store failed. Details are for the log, never for clients.
#[derive(Debug, thiserror::Error)]
pub enum ObjectStoreError {
    /// It does not answer or has no space left: worth another try.
    #[error("object store unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Anything else.
    #[error("object store failed: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Where parts and objects are kept.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// Whether it answers.
    async fn ping(&self) -> Result<(), ObjectStoreError>;

    /// Starts a multipart upload.
    async fn create_upload(
        &self,
        key: &ObjectKey,
        content_type: &str,
    ) -> Result<UploadId, ObjectStoreError>;

    /// Stores one part, streaming. When it returns, the bytes survive power loss. Any number may
    /// run at once, also for the same part: the one whose ETag is recorded last counts. Where a
    /// store keeps only the bytes that came last, completing with the others is
    /// [`CompleteUploadOutcome::PartsDiffer`].
    async fn put_part(
        &self,
        upload: &Upload,
        part: PutPart,
        body: PartBody,
    ) -> Result<ETag, PutPartError>;

    /// Joins the recorded parts to the object. Safe to repeat and to run twice at once; a crash
    /// leaves either the upload or the object, and repeating heals: where the upload is gone but an
    /// object of the plan's size is there, that is the answer, after its SHA-256 was verified, too.
    async fn complete_upload(
        &self,
        upload: &Upload,
        complete: CompleteUpload,
    ) -> Result<CompleteUploadOutcome, ObjectStoreError>;

    /// What the store itself holds of an upload, all pages of it: parts that clients put there by
    /// presigned URLs are recorded nowhere else.
    async fn list_parts(&self, _upload: &Upload) -> Result<HeldParts, ObjectStoreError> {
        Ok(HeldParts::AsRecorded)
    }

    /// Uploads under keys that begin with `prefix`, a page of at most `limit` (1 to 1000) after
    /// `after`: a crash may have left some that no row knows. Keys that are no
    /// [`ObjectKey`] are left out; they are not ours. A store whose uploads begin with their first
    /// part, and that is swept by [`ObjectStore::list_keys`], has none to list.
    async fn list_uploads(
        &self,
        _prefix: &str,
        _after: Option<&UploadCursor>,
        _limit: usize,
    ) -> Result<UploadPage, ObjectStoreError> {
        Ok(UploadPage::default())
    }

    /// Frees an upload's parts. What is not there is no error; an object stays.
    async fn abort_upload(&self, upload: &Upload) -> Result<(), ObjectStoreError>;

    /// The size of an object in bytes, `None` when there is none.
    async fn object_size(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectStoreError>;

    /// Streams `range` (bytes, not empty, within the object). `None` when there is no object.
    async fn read_object(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Option<ObjectBody>, ObjectStoreError>;

    /// Removes an object. One that is not there is no error.
    async fn delete_object(&self, key: &ObjectKey) -> Result<(), ObjectStoreError>;

    /// Where clients get the object of a completed file (CONTRACT section 1.5, `fileUrl`).
    fn object_url(&self, session_id: SessionId, file_id: FileId, key: &ObjectKey) -> String;

    /// A URL for a GET of the object, whole or a range of it, that needs no other credentials until
    /// `expires_at`. The object is there. `None` when clients can't reach this store but through
    /// this server, which then streams (CONTRACT section 1, endpoint 10).
    async fn presign_object(
        &self,
        _key: &ObjectKey,
        _headers: &PresignedHeaders,
        _expires_at: Timestamp,
    ) -> Result<Option<String>, ObjectStoreError> {
        Ok(None)
    }

    /// A URL for one part that needs no other credentials until `expires_at`.
    async fn presign_part(
        &self,
        upload: &Upload,
        address: PartAddress,
        expires_at: Timestamp,
    ) -> Result<PresignedPart, ObjectStoreError>;

    /// Whether `signature` is this store's for that part and expiry. Only a store whose presigned
    /// URLs lead back to this server has anything to say.
    fn verify_part_signature(
        &self,
        _address: PartAddress,
        _expires_at: Timestamp,
        _signature: &str,
    ) -> bool {
        false
    }

    /// Binds the store to a database, once: `false` when it is bound to another one. Only a store
    /// that is swept has to know.
    async fn bind(&self, _database_id: &str) -> Result<bool, ObjectStoreError> {
        Ok(true)
    }

    /// Removes the parts that lie under a key, whatever upload they are of; an object stays.
    async fn remove_leftover_parts(&self, _key: &ObjectKey) -> Result<(), ObjectStoreError> {
        Ok(())
    }

    /// What a crash may have left: the keys of uploads and objects that the store holds, a page of
    /// at most `limit` after `after`, in order. Stores that are shared between processes have
    /// other means and return nothing.
    async fn list_keys(
        &self,
        _after: Option<&ObjectKey>,
        _limit: usize,
    ) -> Result<Vec<ObjectKey>, ObjectStoreError> {
        Ok(Vec::new())
    }
}
