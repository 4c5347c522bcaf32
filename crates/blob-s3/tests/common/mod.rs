//! A bucket in the tests' own Swift, and stores in it.

use std::sync::Arc;

use moc_uploads_blob_s3::{AccessKey, Encryption, S3Options, S3Store};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::s3::{ACCESS_KEY_ID, Bucket, SECRET_ACCESS_KEY};

/// `None` where such tests are to be left out.
pub(crate) fn bucket() -> Option<Bucket> {
    (!moc_uploads_testkit::s3::is_skipped()).then(Bucket::new)
}

/// How the store in this bucket is reached.
pub(crate) fn options(bucket: &Bucket) -> S3Options {
    S3Options {
        credentials: Some(AccessKey {
            id: ACCESS_KEY_ID.to_owned(),
            secret: SECRET_ACCESS_KEY.to_owned(),
        }),
        endpoint: Some(bucket.endpoint()),
        force_path_style: true,
        // Swift has none.
        encryption: Encryption::None,
        ..S3Options::new(bucket.name())
    }
}

/// A store in it, whose clock stands still.
pub(crate) async fn connect(bucket: &Bucket) -> S3Store {
    S3Store::connect(options(bucket), Arc::new(ManualClock::new())).await
}
