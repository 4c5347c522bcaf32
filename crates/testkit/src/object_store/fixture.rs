//! A file to be uploaded.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::{ETag, PartReceipt};
use moc_uploads_core::plan::PartPlan;
use moc_uploads_core::ports::{
    BodyError, Checksum, CompleteUpload, CompleteUploadOutcome, ObjectStore, ObjectStoreError,
    PartBody, PutPart, PutPartError, Upload,
};

use crate::builders::{instruction, new_file, session_id, user};

/// The least that S3 takes for a part that is not the last.
pub const PART_BYTES: u64 = 5 * 1024 * 1024;

/// Bytes as a client might send them: no two of its pages are alike, and another seed gives others.
pub fn bytes(len: u64, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(len as usize + 8);
    while (bytes.len() as u64) < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len as usize);
    bytes
}

/// A body that arrives in chunks of `chunk_len` and then ends, or breaks off with `end`.
pub fn body(bytes: &[u8], chunk_len: usize, end: Option<BodyError>) -> PartBody {
    let chunks: Vec<_> = bytes
        .chunks(chunk_len)
        .map(|chunk| Ok(Bytes::copy_from_slice(chunk)))
        .chain(end.map(Err))
        .collect();
    Box::pin(stream::iter(chunks).then(async |chunk| {
        tokio::task::yield_now().await;
        chunk
    }))
}

/// The bytes of an object in this range, `None` where there is none.
pub async fn content(
    store: &dyn ObjectStore,
    key: &ObjectKey,
    range: std::ops::Range<u64>,
) -> Option<Vec<u8>> {
    let body = store.read_object(key, range).await.unwrap()?;
    let chunks: Vec<Bytes> = body.try_collect().await.unwrap();
    Some(chunks.concat())
}

/// A file with its upload.
pub struct TestFile {
    /// Its upload.
    pub upload: Upload,
    /// How it is cut.
    pub plan: PartPlan,
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether its SHA-256 will be compared at completion.
    pub will_be_hashed: bool,
}

impl TestFile {
    /// A file of `size_bytes` in parts of `part_bytes`, with an upload in `store`.
    pub async fn with_parts_of(store: &dyn ObjectStore, part_bytes: u64, size_bytes: u64) -> Self {
        let mut upload = new_file(&user("o"), session_id(), instruction("x", size_bytes)).upload;
        upload.id = store
            .create_upload(&upload.key, "application/pdf")
            .await
            .unwrap();
        Self {
            upload,
            plan: PartPlan::new(size_bytes, part_bytes),
            bytes: bytes(size_bytes, size_bytes),
            will_be_hashed: false,
        }
    }

    /// A file of `size_bytes` in parts of [`PART_BYTES`], with an upload in `store`.
    pub async fn new(store: &dyn ObjectStore, size_bytes: u64) -> Self {
        Self::with_parts_of(store, PART_BYTES, size_bytes).await
    }

    /// The bytes of a part.
    pub fn part(&self, part_number: u32) -> &[u8] {
        let start = self.plan.offset(part_number) as usize;
        &self.bytes[start..start + self.plan.part_len(part_number) as usize]
    }

    /// Other bytes for the same part.
    pub fn other_part(&self, part_number: u32, seed: u64) -> Vec<u8> {
        bytes(
            self.plan.part_len(part_number),
            seed + 1_000_000 * u64::from(part_number),
        )
    }

    /// What comes with a part.
    pub fn put(&self, part_number: u32, replaces: bool) -> PutPart {
        PutPart {
            part_number,
            plan: self.plan,
            replaces,
            will_be_hashed: self.will_be_hashed,
            checksums: Vec::new(),
        }
    }

    /// Stores a part that was not stored before.
    pub async fn store_part(&self, store: &dyn ObjectStore, part_number: u32) -> ETag {
        let body = body(self.part(part_number), 64 * 1024, None);
        store
            .put_part(&self.upload, self.put(part_number, false), body)
            .await
            .unwrap()
    }

    /// Stores other bytes for a part that was stored before.
    pub async fn replace_part(
        &self,
        store: &dyn ObjectStore,
        part_number: u32,
        bytes: &[u8],
    ) -> Result<ETag, PutPartError> {
        let body = body(bytes, 64 * 1024, None);
        store
            .put_part(&self.upload, self.put(part_number, true), body)
            .await
    }

    /// Stores a part that was stored before, with this digest.
    pub async fn store_with_checksum(
        &self,
        store: &dyn ObjectStore,
        part_number: u32,
        bytes: &[u8],
        checksum: Checksum,
    ) -> Result<ETag, PutPartError> {
        let put = PutPart {
            checksums: vec![checksum],
            ..self.put(part_number, true)
        };
        store
            .put_part(&self.upload, put, body(bytes, 64 * 1024, None))
            .await
    }

    /// Stores all parts.
    pub async fn store_all(&self, store: &dyn ObjectStore) -> Vec<ETag> {
        let mut etags = Vec::new();
        for part_number in 1..=self.plan.part_count() {
            etags.push(self.store_part(store, part_number).await);
        }
        etags
    }

    /// Completes the upload with these parts, in order.
    pub async fn complete(
        &self,
        store: &dyn ObjectStore,
        etags: &[ETag],
        sha256: Option<[u8; 32]>,
    ) -> Result<CompleteUploadOutcome, ObjectStoreError> {
        let parts = (1..)
            .zip(etags)
            .map(|(part_number, etag)| PartReceipt {
                part_number,
                etag: etag.clone(),
            })
            .collect();
        let complete = CompleteUpload {
            parts,
            plan: self.plan,
            sha256,
        };
        store.complete_upload(&self.upload, complete).await
    }

    /// Completes the upload, which must work, and gives the object's ETag.
    pub async fn complete_ok(&self, store: &dyn ObjectStore, etags: &[ETag]) -> ETag {
        match self.complete(store, etags, None).await.unwrap() {
            CompleteUploadOutcome::Completed(etag) => etag,
            other => panic!("{other:?}"),
        }
    }

    /// All of the object.
    pub async fn object(&self, store: &dyn ObjectStore) -> Option<Vec<u8>> {
        content(store, &self.upload.key, 0..self.bytes.len() as u64).await
    }

    /// Asserts that the object has exactly these bytes.
    pub async fn assert_object(&self, store: &dyn ObjectStore, expected: &[u8]) {
        let size = store.object_size(&self.upload.key).await.unwrap();
        assert_eq!(size, Some(expected.len() as u64));
        let object = self.object(store).await.unwrap();
        assert!(object == expected, "the object has other bytes");
    }

    /// Asserts that nothing is visible.
    pub async fn assert_no_object(&self, store: &dyn ObjectStore) {
        assert_eq!(store.object_size(&self.upload.key).await.unwrap(), None);
        assert!(self.object(store).await.is_none());
    }
}
