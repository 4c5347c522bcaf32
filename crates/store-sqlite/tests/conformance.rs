//! The port's conformance suite, on two stores over one file.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::sync::Arc;

use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::session_store::Stores;

async fn stores() -> Stores {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("moc-uploads.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    let replica = SqliteStore::open(&path).await.unwrap();
    Stores::new(Arc::new(store), Arc::new(replica), folder)
}

moc_uploads_testkit::session_store_conformance!(stores);
