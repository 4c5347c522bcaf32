//! The disk store does what every object store does.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use moc_uploads_blob_disk::DiskStore;
use moc_uploads_testkit::object_store::Subject;

async fn subject() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path(), "http://127.0.0.1:3000").unwrap();
    Subject::new(store, folder)
}

moc_uploads_testkit::object_store_conformance!(subject);
