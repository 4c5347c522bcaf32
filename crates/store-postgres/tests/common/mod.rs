//! New databases, and stores over them.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use moc_uploads_store_postgres::{PostgresOptions, PostgresStore, TimeSource};
use moc_uploads_testkit::postgres::{Database, is_skipped};

/// `None` where such tests are left out.
pub(crate) async fn migrated() -> Option<Database> {
    if is_skipped() {
        return None;
    }
    let database = Database::migrated(async |url| {
        let store = open(&url);
        store.migrate().await.unwrap();
        store.close().await;
    });
    Some(database.await)
}

/// A store whose time is the caller's.
pub(crate) fn open(url: &str) -> PostgresStore {
    open_with(options(url))
}

/// Of a store whose time is the caller's.
pub(crate) fn options(url: &str) -> PostgresOptions {
    PostgresOptions {
        time: TimeSource::Caller,
        ..PostgresOptions::new(url)
    }
}

pub(crate) fn open_with(options: PostgresOptions) -> PostgresStore {
    PostgresStore::open(&options).unwrap()
}
