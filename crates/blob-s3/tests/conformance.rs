//! The S3 store does what every object store does.

#[path = "s3/common.rs"]
mod common;

use moc_uploads_testkit::object_store::Subject;
use moc_uploads_testkit::s3::Bucket;

async fn subject() -> Option<Subject> {
    let bucket = Bucket::shared()?;
    let store = common::connect(&bucket).await;
    Some(Subject::new(store, bucket))
}

moc_uploads_testkit::object_store_conformance!(subject);
