//! Objects on their way out.

use std::ops::Range;
use std::time::Duration;

use aws_sdk_s3::primitives::ByteStream;
use futures_util::stream;
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{ObjectBody, ObjectStoreError};
use tokio::time::timeout;

use crate::error::{is_no_object, store_error, timed_out, unavailable};
use crate::store::S3Store;

const HEAD: &str = "HeadObject";
const GET: &str = "GetObject";

/// What a HEAD tells.
pub(crate) struct FoundObject {
    pub(crate) size_bytes: u64,
    pub(crate) etag: ETag,
}

impl S3Store {
    pub(crate) async fn find_object(
        &self,
        key: &ObjectKey,
    ) -> Result<Option<FoundObject>, ObjectStoreError> {
        let found = self
            .clients
            .general
            .head_object()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .send()
            .await;
        match found {
            Ok(found) => Ok(Some(FoundObject {
                size_bytes: u64::try_from(found.content_length().unwrap_or(0)).unwrap_or(0),
                etag: ETag::parse(found.e_tag().unwrap_or_default()),
            })),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(store_error(HEAD, &error)),
        }
    }

    pub(crate) async fn get_object(
        &self,
        key: &ObjectKey,
        range: Range<u64>,
    ) -> Result<Option<ObjectBody>, ObjectStoreError> {
        let found = self
            .clients
            .general
            .get_object()
            .bucket(&self.options.bucket)
            .key(key.as_str())
            .range(format!("bytes={}-{}", range.start, range.end - 1))
            .send()
            .await;
        match found {
            Ok(found) => Ok(Some(body(found.body, self.options.timeouts.read))),
            Err(error) if is_no_object(&error) => Ok(None),
            Err(error) => Err(store_error(GET, &error)),
        }
    }
}

/// The time that the client takes between chunks does not count.
fn body(bytes: ByteStream, patience: Duration) -> ObjectBody {
    Box::pin(stream::try_unfold(bytes, move |mut bytes| async move {
        match timeout(patience, bytes.next()).await {
            Ok(Some(Ok(chunk))) => Ok(Some((chunk, bytes))),
            Ok(Some(Err(error))) => Err(unavailable(GET, error)),
            Ok(None) => Ok(None),
            Err(_) => Err(timed_out(GET)),
        }
    }))
}
