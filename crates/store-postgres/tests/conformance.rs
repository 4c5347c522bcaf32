//! The ports' conformance suites, on two stores over one database.

use std::sync::Arc;

use moc_uploads_testkit::event_store::EventStores;
use moc_uploads_testkit::session_store::Stores;

mod common;

async fn stores() -> Option<Stores> {
    Some(event_stores().await?.sessions)
}

async fn event_stores() -> Option<EventStores> {
    let database = common::migrated().await?;
    let store = Arc::new(common::open(&database.url()));
    let replica = Arc::new(common::open(&database.url()));
    Some(EventStores {
        sessions: Stores::new(store.clone(), replica.clone(), database),
        store,
        replica,
    })
}

moc_uploads_testkit::session_store_conformance!(stores);
moc_uploads_testkit::event_store_conformance!(event_stores);
