//! The ports' conformance suites, on two stores over one file, and on the one that serves it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::sync::Arc;

use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::event_store::EventStores;
use moc_uploads_testkit::session_store::Stores;

async fn stores() -> Stores {
    event_stores().await.sessions
}

async fn event_stores() -> EventStores {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("moc-uploads.db");
    let store = Arc::new(SqliteStore::open(&path).await.unwrap());
    store.migrate().await.unwrap();
    let replica = Arc::new(SqliteStore::open(&path).await.unwrap());
    EventStores {
        sessions: Stores::new(store.clone(), replica.clone(), folder),
        store,
        replica,
    }
}

moc_uploads_testkit::session_store_conformance!(stores);
moc_uploads_testkit::event_store_conformance!(event_stores);

/// The one server of its database knows new sessions without asking it.
mod of_the_server {
    use super::*;

    async fn stores() -> Stores {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("moc-uploads.db");
        let store = Arc::new(SqliteStore::open(&path).await.unwrap());
        store.migrate().await.unwrap();
        store.take_over().await.unwrap();
        Stores::new(store.clone(), store, folder)
    }

    moc_uploads_testkit::session_store_conformance!(stores);
}
