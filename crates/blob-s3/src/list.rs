//! What the bucket holds of uploads.

use aws_sdk_s3::types::{MultipartUpload, Part as StoredPart};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{
    HeldParts, ObjectStoreError, StartedUpload, Upload, UploadCursor, UploadId, UploadPage,
};
use moc_uploads_core::time::Timestamp;

use crate::error::{internal, is_no_upload, store_error};
use crate::store::S3Store;

const LIST_PARTS: &str = "ListParts";
const LIST_UPLOADS: &str = "ListMultipartUploads";

/// The most that S3 lists at once.
const PAGE: usize = 1000;

impl S3Store {
    pub(crate) async fn held_parts(&self, upload: &Upload) -> Result<HeldParts, ObjectStoreError> {
        let mut parts = Vec::new();
        let mut after = None;
        loop {
            let listed = self
                .clients
                .general
                .list_parts()
                .bucket(&self.options.bucket)
                .key(upload.key.as_str())
                .upload_id(&upload.id.0)
                .set_part_number_marker(after.take())
                .send()
                .await;
            let page = match listed {
                Ok(page) => page,
                Err(error) if is_no_upload(&error) => return Ok(HeldParts::NoSuchUpload),
                Err(error) => return Err(store_error(LIST_PARTS, &error)),
            };
            for part in page.parts() {
                parts.push(held_part(part).ok_or_else(|| {
                    internal(LIST_PARTS, "a part without number, size or ETag is listed")
                })?);
            }
            let is_last = !page.is_truncated().unwrap_or(false) || page.parts().is_empty();
            if is_last {
                break;
            }
            after = page.next_part_number_marker().map(str::to_owned);
        }
        if self.is_over(upload).await? {
            return Ok(HeldParts::NoSuchUpload);
        }
        Ok(HeldParts::Parts(parts))
    }

    pub(crate) async fn started_uploads(
        &self,
        prefix: &str,
        after: Option<&UploadCursor>,
        limit: usize,
    ) -> Result<UploadPage, ObjectStoreError> {
        let page = self
            .clients
            .general
            .list_multipart_uploads()
            .bucket(&self.options.bucket)
            .prefix(prefix)
            .set_key_marker(after.map(|cursor| cursor.key.clone()))
            .set_upload_id_marker(after.map(|cursor| cursor.upload_id.clone()))
            .max_uploads(i32::try_from(limit.clamp(1, PAGE)).unwrap_or(1))
            .send()
            .await
            .map_err(|error| store_error(LIST_UPLOADS, &error))?;
        let is_last = !page.is_truncated().unwrap_or(false);
        // Not the markers of the answer: Swift leaves them out when it lists a single upload.
        let last = page.uploads().last().filter(|_| !is_last);
        Ok(UploadPage {
            uploads: page.uploads().iter().filter_map(started_upload).collect(),
            next: last.map(|upload| UploadCursor {
                key: upload.key().unwrap_or_default().to_owned(),
                upload_id: upload.upload_id().unwrap_or_default().to_owned(),
            }),
        })
    }

    /// Whether the upload was completed although the store still takes and lists its parts, as
    /// Swift does; a part that comes then would break the object. Stores that are not known to be
    /// AWS's are asked: for an object, and only where there is one for the upload.
    pub(crate) async fn is_over(&self, upload: &Upload) -> Result<bool, ObjectStoreError> {
        if self.options.endpoint.is_none() || self.find_object(&upload.key).await?.is_none() {
            return Ok(false);
        }
        let started = self
            .started_uploads(upload.key.as_str(), None, PAGE)
            .await?;
        Ok(!started.uploads.iter().any(|found| found.upload == *upload))
    }
}

fn held_part(part: &StoredPart) -> Option<Part> {
    Some(Part {
        part_number: u32::try_from(part.part_number()?).ok()?,
        etag: ETag::parse(part.e_tag()?),
        size_bytes: u64::try_from(part.size()?).ok()?,
        uploaded_at: timestamp(part.last_modified()?)?,
    })
}

fn started_upload(upload: &MultipartUpload) -> Option<StartedUpload> {
    Some(StartedUpload {
        upload: Upload {
            key: ObjectKey::parse(upload.key()?)?,
            id: UploadId(upload.upload_id()?.to_owned()),
        },
        started_at: timestamp(upload.initiated()?)?,
    })
}

fn timestamp(at: &aws_sdk_s3::primitives::DateTime) -> Option<Timestamp> {
    Some(Timestamp::from_unix_ms(at.to_millis().ok()?))
}
