//! One part on its way in.
//!
//! S3 stores a part, and replaces an earlier one of its number, when the request's last byte has
//! come. So the last chunk is held back until the client's body has ended and its digests match:
//! whatever is wrong with a part, S3 never sees the end of it.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{
    HeldParts, ObjectStoreError, PartBody, PutPart, PutPartError, Upload,
};
use tokio::time::{sleep, timeout};

use crate::digests::Digests;
use crate::error::{internal, is_no_upload, store_error, timed_out, unavailable};
use crate::part_body::{self, PartSender};
use crate::store::S3Store;

const UPLOAD_PART: &str = "UploadPart";

/// Before each look at a list that may lag behind.
const LISTING_PAUSES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

impl S3Store {
    pub(crate) async fn send_part(
        &self,
        upload: &Upload,
        part: PutPart,
        body: PartBody,
    ) -> Result<ETag, PutPartError> {
        let part_number = part.part_number;
        let len = part.plan.part_len(part_number);
        let (sender, request_body) = part_body::channel(len);
        let request = self
            .clients
            .streaming
            .upload_part()
            .bucket(&self.options.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id.0)
            .part_number(to_i32(part_number)?)
            .content_length(i64::try_from(len).unwrap_or(i64::MAX))
            .body(request_body)
            .customize()
            // A signature of the bytes would need them all before the first is sent.
            .disable_payload_signing()
            .send();
        let mut request = pin!(request);
        let forwarded = self.forward(upload, &part, len, body, sender);

        let answer = tokio::select! {
            // The store may refuse a part before it has all of it.
            answer = &mut request => answer,
            forwarded = forwarded => {
                forwarded?;
                timeout(self.options.timeouts.read, request)
                    .await
                    .map_err(|_| timed_out(UPLOAD_PART))?
            }
        };
        match answer {
            Ok(stored) => match stored.e_tag() {
                Some(etag) => Ok(ETag::parse(etag)),
                None => self.overtaken(upload, part_number).await,
            },
            Err(error) if is_no_upload(&error) => Err(PutPartError::NoSuchUpload),
            Err(error) => Err(store_error(UPLOAD_PART, &error).into()),
        }
    }

    /// The ETag of another sending of the part, which came later and stays: Swift, asked to store both
    /// at once, answers the earlier one without an ETag, maybe before it lists the later one.
    async fn overtaken(&self, upload: &Upload, part_number: u32) -> Result<ETag, PutPartError> {
        for pause in LISTING_PAUSES {
            sleep(pause).await;
            let HeldParts::Parts(parts) = self.held_parts(upload).await? else {
                return Err(PutPartError::NoSuchUpload);
            };
            let mut parts = parts.into_iter();
            if let Some(held) = parts.find(|part| part.part_number == part_number) {
                return Ok(held.etag);
            }
        }
        Err(unavailable(
            UPLOAD_PART,
            "no ETag in the answer, and the part is not listed",
        )
        .into())
    }

    /// Passes the client's bytes on, the last of them when all is well.
    async fn forward(
        &self,
        upload: &Upload,
        part: &PutPart,
        len: u64,
        mut body: PartBody,
        sender: PartSender,
    ) -> Result<(), PutPartError> {
        let patience = self.options.timeouts.read;
        let mut digests = Digests::new(&part.checksums);
        let mut held = Bytes::new();
        let mut received_bytes = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            received_bytes += chunk.len() as u64;
            if received_bytes > len {
                return Err(PutPartError::WrongLength { received_bytes });
            }
            if chunk.is_empty() {
                continue;
            }
            digests = digests.update(chunk.clone()).await?;
            let earlier = std::mem::replace(&mut held, chunk);
            if !earlier.is_empty() {
                deliver(&sender, earlier, patience).await?;
            }
        }
        if received_bytes != len {
            return Err(PutPartError::WrongLength { received_bytes });
        }
        digests.finish().map_err(PutPartError::ChecksumMismatch)?;
        if self.is_over(upload).await? {
            return Err(PutPartError::NoSuchUpload);
        }
        Ok(deliver(&sender, held, patience).await?)
    }
}

/// Waits as long as the store may take to accept bytes. When it does not accept any more, its
/// answer says why.
async fn deliver(
    sender: &PartSender,
    bytes: Bytes,
    patience: Duration,
) -> Result<(), ObjectStoreError> {
    match timeout(patience, sender.send(bytes)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => std::future::pending().await,
        Err(_) => Err(timed_out(UPLOAD_PART)),
    }
}

/// Part numbers end at 10,000.
pub(crate) fn to_i32(part_number: u32) -> Result<i32, ObjectStoreError> {
    i32::try_from(part_number).map_err(|error| internal("part number", error))
}
