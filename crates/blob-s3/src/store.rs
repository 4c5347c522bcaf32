//! The port, in terms of S3's operations.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_s3::types::ServerSideEncryption;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{
    CompleteUpload, CompleteUploadOutcome, HeldParts, ObjectBody, ObjectStore, ObjectStoreError,
    PartAddress, PartBody, PresignedHeaders, PresignedPart, PutPart, PutPartError, Upload,
    UploadCursor, UploadId, UploadPage,
};
use moc_uploads_core::time::{Clock, Timestamp};

use crate::connect::{Clients, connect};
use crate::error::{internal, is_no_object, is_no_upload, store_error};
use crate::options::{Encryption, S3Options};

/// Parts and objects in one bucket.
pub struct S3Store {
    pub(crate) clients: Clients,
    pub(crate) options: S3Options,
    pub(crate) clock: Arc<dyn Clock>,
}

impl S3Store {
    /// A store in this bucket. Nothing is sent yet; `clock` tells how long presigned URLs have
    /// left.
    pub async fn connect(options: S3Options, clock: Arc<dyn Clock>) -> Self {
        Self {
            clients: connect(&options).await,
            options,
            clock,
        }
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn ping(&self) -> Result<(), ObjectStoreError> {
        self.clients
            .general
            .head_bucket()
            .bucket(&self.options.bucket)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| store_error("HeadBucket", &error))
    }

    async fn create_upload(
        &self,
        key: &ObjectKey,
        content_type: &str,
    ) -> Result<UploadId, ObjectStoreError> {
        const CREATE: &str = "CreateMultipartUpload";
        let encryption = match self.options.encryption {
            Encryption::Aes256 => Some(ServerSideEncryption::Aes256),
            Encryption::Kms => Some(ServerSideEncryption::AwsKms),
            Encryption::None => None,
        };
        let created = self
            .clients
            .general
            .create_multipart_upload()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .content_type(content_type)
            .set_server_side_encryption(encryption)
            .send()
            .await
            .map_err(|error| store_error(CREATE, &error))?;
        created
            .upload_id()
            .map(|id| UploadId(id.to_owned()))
            .ok_or_else(|| internal(CREATE, "the answer has no upload id"))
    }

    async fn put_part(
        &self,
        upload: &Upload,
        part: PutPart,
        body: PartBody,
    ) -> Result<ETag, PutPartError> {
        self.send_part(upload, part, body).await
    }

    async fn complete_upload(
        &self,
        upload: &Upload,
        complete: CompleteUpload,
    ) -> Result<CompleteUploadOutcome, ObjectStoreError> {
        self.complete(upload, complete).await
    }

    async fn list_parts(&self, upload: &Upload) -> Result<HeldParts, ObjectStoreError> {
        self.held_parts(upload).await
    }

    async fn list_uploads(
        &self,
        prefix: &str,
        after: Option<&UploadCursor>,
        limit: usize,
    ) -> Result<UploadPage, ObjectStoreError> {
        self.started_uploads(prefix, after, limit).await
    }

    async fn abort_upload(&self, upload: &Upload) -> Result<(), ObjectStoreError> {
        // Of a row that was put in by hand.
        if upload.id.0.is_empty() {
            return Ok(());
        }
        let aborted = self
            .clients
            .general
            .abort_multipart_upload()
            .bucket(&self.options.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id.0)
            .send()
            .await;
        match aborted {
            Err(error) if !is_no_upload(&error) => Err(store_error("AbortMultipartUpload", &error)),
            _ => Ok(()),
        }
    }

    async fn object_size(&self, key: &ObjectKey) -> Result<Option<u64>, ObjectStoreError> {
        Ok(self.find_object(key).await?.map(|object| object.size_bytes))
    }

    async fn read_object(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Option<ObjectBody>, ObjectStoreError> {
        self.get_object(key, range).await
    }

    async fn delete_object(&self, key: &ObjectKey) -> Result<(), ObjectStoreError> {
        let deleted = self
            .clients
            .general
            .delete_object()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .send()
            .await;
        match deleted {
            Err(error) if !is_no_object(&error) => Err(store_error("DeleteObject", &error)),
            _ => Ok(()),
        }
    }

    fn object_url(&self, _session_id: SessionId, _file_id: FileId, key: &ObjectKey) -> String {
        let S3Options { bucket, region, .. } = &self.options;
        match &self.options.endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}/{key}"),
            None => format!("https://{bucket}.s3.{region}.amazonaws.com/{key}"),
        }
    }

    async fn presign_object(
        &self,
        key: &ObjectKey,
        headers: &PresignedHeaders,
        expires_at: Timestamp,
    ) -> Result<Option<String>, ObjectStoreError> {
        self.presign_get_object(key, headers, expires_at)
            .await
            .map(Some)
    }

    async fn presign_part(
        &self,
        upload: &Upload,
        address: PartAddress,
        expires_at: Timestamp,
    ) -> Result<PresignedPart, ObjectStoreError> {
        self.presign_upload_part(upload, address.part_number, expires_at)
            .await
    }
}
