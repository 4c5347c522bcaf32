//! URLs that carry their permission with them.

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{ObjectStoreError, PresignedHeaders, PresignedPart, Upload};
use moc_uploads_core::time::Timestamp;

use crate::error::{internal, store_error};
use crate::put::to_i32;
use crate::store::S3Store;

const PRESIGN: &str = "presigning";

impl S3Store {
    pub(crate) async fn presign_upload_part(
        &self,
        upload: &Upload,
        part_number: u32,
        expires_at: Timestamp,
    ) -> Result<PresignedPart, ObjectStoreError> {
        let signed = self
            .clients
            .general
            .upload_part()
            .bucket(&self.options.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id.0)
            .part_number(to_i32(part_number)?)
            .presigned(self.valid_until(expires_at)?)
            .await
            .map_err(|error| store_error(PRESIGN, &error))?;
        Ok(PresignedPart {
            part_number,
            url: signed.uri().to_owned(),
            headers: headers(&signed),
            expires_at,
        })
    }

    pub(crate) async fn presign_get_object(
        &self,
        key: &ObjectKey,
        headers: &PresignedHeaders,
        expires_at: Timestamp,
    ) -> Result<String, ObjectStoreError> {
        let signed = self
            .clients
            .general
            .get_object()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .response_content_type(&headers.content_type)
            .response_content_disposition(&headers.content_disposition)
            .response_cache_control(&headers.cache_control)
            .presigned(self.valid_until(expires_at)?)
            .await
            .map_err(|error| store_error(PRESIGN, &error))?;
        Ok(signed.uri().to_owned())
    }

    /// S3 counts seconds, from now by the time that it lives in; our clock says how many are left.
    fn valid_until(&self, expires_at: Timestamp) -> Result<PresigningConfig, ObjectStoreError> {
        let left = expires_at.since(self.clock.now());
        // Whole ones: it is good for as long as is said, and at most for a second more.
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        PresigningConfig::expires_in(Duration::from_secs(seconds.max(1)))
            .map_err(|error| internal(PRESIGN, error))
    }
}

fn headers(signed: &PresignedRequest) -> Vec<(String, String)> {
    signed
        .headers()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
