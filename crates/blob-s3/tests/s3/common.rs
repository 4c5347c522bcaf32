//! A bucket in the tests' own Swift, and stores in it.

use std::sync::Arc;

use moc_uploads_blob_s3::{AccessKey, Encryption, S3Options, S3Store};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::s3::{ACCESS_KEY_ID, Bucket, SECRET_ACCESS_KEY};

/// A bucket of this name, with the tests' own credentials.
pub(crate) fn settings(bucket: &str) -> S3Options {
    S3Options {
        credentials: Some(AccessKey {
            id: ACCESS_KEY_ID.to_owned(),
            secret: SECRET_ACCESS_KEY.to_owned(),
        }),
        force_path_style: true,
        // Swift has none.
        encryption: Encryption::None,
        ..S3Options::new(bucket)
    }
}

/// A store in it, whose clock stands still.
pub(crate) async fn connect(bucket: &Bucket) -> S3Store {
    let options = S3Options {
        endpoint: Some(bucket.endpoint()),
        ..settings(bucket.name())
    };
    S3Store::connect(options, Arc::new(ManualClock::new())).await
}
