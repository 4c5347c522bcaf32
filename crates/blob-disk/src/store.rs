//! [`DiskStore`] and its implementation of the port.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use async_trait::async_trait;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{
    CompleteUpload, CompleteUploadOutcome, ObjectBody, ObjectStore, ObjectStoreError, PartAddress,
    PartBody, PresignedPart, PutPart, PutPartError, Upload, UploadId,
};
use moc_uploads_core::time::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use crate::error::{blocking, internal, store_error};
use crate::layout::Layout;
use crate::presign::Presigner;
use crate::uploads::Uploads;

/// The object store on a local file system. Cheap to clone.
///
/// One process per root; see [`DiskStore::open`]. A running [`ObjectStore::put_part`] buffers two
/// batches of 256 KiB, and less, down to 64 KiB, where all that run would buffer more than 4 MiB
/// together, and one chunk of its body. One that stands still keeps what it has: 64 that began one
/// after another keep 14 MiB at most.
#[derive(Clone)]
pub struct DiskStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) layout: Layout,
    pub(crate) uploads: Uploads,
    pub(crate) presigner: Presigner,
    /// The more there are, the less each buffers.
    pub(crate) running_puts: AtomicUsize,
    /// Hashing is bound by the processors.
    pub(crate) hashing: Arc<Semaphore>,
    /// Names for what has none yet; no other process makes any.
    pub(crate) next_temporary: AtomicU64,
    /// Locked until the store is dropped.
    pub(crate) _lock: std::fs::File,
}

#[async_trait]
impl ObjectStore for DiskStore {
    /// Writes a byte, so that a full or read-only disk shows.
    async fn ping(&self) -> Result<(), ObjectStoreError> {
        let path = self.0.layout.root().join("ping");
        blocking(move || std::fs::write(path, b"."))
            .await?
            .map_err(store_error)
    }

    /// Does no I/O: the first part makes the file.
    async fn create_upload(
        &self,
        _key: &ObjectKey,
        _content_type: &str,
    ) -> Result<UploadId, ObjectStoreError> {
        let mut id = [0; 16];
        SystemRandom::new()
            .fill(&mut id)
            .map_err(|_| internal("no random bytes".to_owned()))?;
        Ok(UploadId(hex::encode(id)))
    }

    async fn put_part(
        &self,
        upload: &Upload,
        part: PutPart,
        body: PartBody,
    ) -> Result<ETag, PutPartError> {
        crate::put::put_part(&self.0, upload, part, body).await
    }

    async fn complete_upload(
        &self,
        upload: &Upload,
        complete: CompleteUpload,
    ) -> Result<CompleteUploadOutcome, ObjectStoreError> {
        crate::complete::complete_upload(&self.0, upload, complete).await
    }

    async fn abort_upload(&self, upload: &Upload) -> Result<(), ObjectStoreError> {
        crate::remove::abort_upload(&self.0, &upload.key).await
    }

    async fn object_size(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectStoreError> {
        crate::read::object_size(&self.0, key).await
    }

    async fn read_object(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Option<ObjectBody>, ObjectStoreError> {
        crate::read::read_object(&self.0, key, range).await
    }

    async fn delete_object(&self, key: &ObjectKey) -> Result<(), ObjectStoreError> {
        crate::remove::delete_object(&self.0, key).await
    }

    fn object_url(&self, session_id: SessionId, file_id: FileId, _key: &ObjectKey) -> String {
        self.0.presigner.object_url(session_id, file_id)
    }

    async fn presign_part(
        &self,
        _upload: &Upload,
        address: PartAddress,
        expires_at: Timestamp,
    ) -> Result<PresignedPart, ObjectStoreError> {
        Ok(self.0.presigner.presign(address, expires_at))
    }

    fn verify_part_signature(
        &self,
        address: PartAddress,
        expires_at: Timestamp,
        signature: &str,
    ) -> bool {
        self.0.presigner.verify(address, expires_at, signature)
    }

    async fn bind(&self, database_id: &str) -> Result<bool, ObjectStoreError> {
        crate::bind::bind(&self.0, database_id).await
    }

    async fn remove_leftover_parts(&self, key: &ObjectKey) -> Result<(), ObjectStoreError> {
        crate::remove::abort_upload(&self.0, key).await
    }

    /// Shard by shard, and by key within a shard: whoever reads all pages reads each folder only
    /// as often as it fills a page.
    async fn list_keys(
        &self,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> Result<Vec<ObjectKey>, ObjectStoreError> {
        let (inner, after) = (Arc::clone(&self.0), after.cloned());
        blocking(move || crate::list::list_keys(&inner.layout, after.as_ref(), limit))
            .await?
            .map_err(store_error)
    }
}
