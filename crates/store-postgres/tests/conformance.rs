//! The port's conformance suite, on two stores over one database.

use std::sync::Arc;

use moc_uploads_testkit::session_store::Stores;

mod common;

async fn stores() -> Option<Stores> {
    let database = common::migrated().await?;
    let store = common::open(&database.url());
    let replica = common::open(&database.url());
    Some(Stores::new(Arc::new(store), Arc::new(replica), database))
}

moc_uploads_testkit::session_store_conformance!(stores);
