//! From parts to an object.

use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::TryStreamExt;
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{
    CompleteUpload, CompleteUploadOutcome, ObjectStore, ObjectStoreError, Upload,
};

use crate::connect::while_joining;
use crate::digests::ObjectDigest;
use crate::error::{internal, is_no_upload, is_other_parts, store_error};
use crate::put::to_i32;
use crate::store::S3Store;

const COMPLETE: &str = "CompleteMultipartUpload";

/// How joining the parts went.
enum Joined {
    Object(ETag),
    PartsDiffer,
    NoSuchUpload,
}

impl S3Store {
    pub(crate) async fn complete(
        &self,
        upload: &Upload,
        complete: CompleteUpload,
    ) -> Result<CompleteUploadOutcome, ObjectStoreError> {
        let etag = match self.join_parts(upload, &complete).await? {
            Joined::Object(etag) => etag,
            Joined::PartsDiffer => return Ok(CompleteUploadOutcome::PartsDiffer),
            Joined::NoSuchUpload => return Ok(CompleteUploadOutcome::NoSuchUpload),
        };
        let Some(expected) = complete.sha256 else {
            return Ok(CompleteUploadOutcome::Completed(etag));
        };
        let size_bytes = complete.plan.size_bytes();
        Ok(match self.sha256(&upload.key, size_bytes).await? {
            Some(actual) if actual == expected => CompleteUploadOutcome::Completed(etag),
            Some(actual) => CompleteUploadOutcome::ChecksumMismatch {
                actual: hex::encode(actual),
                is_upload_kept: false,
            },
            // Removed meanwhile: its session has ended.
            None => CompleteUploadOutcome::NoSuchUpload,
        })
    }

    async fn join_parts(
        &self,
        upload: &Upload,
        complete: &CompleteUpload,
    ) -> Result<Joined, ObjectStoreError> {
        let mut parts = CompletedMultipartUpload::builder();
        for part in &complete.parts {
            parts = parts.parts(
                CompletedPart::builder()
                    .part_number(to_i32(part.part_number)?)
                    .e_tag(part.etag.to_string())
                    .build(),
            );
        }
        let completed = self
            .clients
            .general
            .complete_multipart_upload()
            .bucket(&self.options.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id.0)
            .multipart_upload(parts.build())
            .customize()
            .config_override(while_joining(self.options.timeouts))
            .send()
            .await;
        match completed {
            Ok(completed) => match completed.e_tag() {
                Some(etag) => Ok(Joined::Object(ETag::parse(etag))),
                None => Err(internal(COMPLETE, "the answer has no ETag")),
            },
            Err(error) if is_other_parts(&error) => Ok(Joined::PartsDiffer),
            Err(error) => {
                let is_gone = is_no_upload(&error);
                let error = store_error(COMPLETE, &error);
                if !is_gone && matches!(error, ObjectStoreError::Unavailable(_)) {
                    return Err(error);
                }
                // Completed before, or by another request at this moment: stores differ in how long
                // they remember the one, and in what they say to the other.
                let object = self.find_object(&upload.key).await?;
                match object.filter(|object| object.size_bytes == complete.plan.size_bytes()) {
                    Some(object) => Ok(Joined::Object(object.etag)),
                    None if is_gone => Ok(Joined::NoSuchUpload),
                    None => Err(error),
                }
            }
        }
    }

    async fn sha256(
        &self,
        key: &ObjectKey,
        size_bytes: u64,
    ) -> Result<Option<Vec<u8>>, ObjectStoreError> {
        let Some(body) = self.read_object(key, 0..size_bytes).await? else {
            return Ok(None);
        };
        let digest = body
            .try_fold(ObjectDigest::new(), |digest, bytes| digest.update(bytes))
            .await?;
        Ok(Some(digest.finish()))
    }
}
