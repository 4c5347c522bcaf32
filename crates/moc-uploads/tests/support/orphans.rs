//! Multipart uploads in a bucket that no row knows.

use std::sync::Arc;

use moc_uploads_blob_s3::{AccessKey, Encryption, S3Options, S3Store};
use moc_uploads_core::event_queue::EventQueue;
use moc_uploads_core::ids::TimeOrderedIds;
use moc_uploads_core::ports::{EventStore, ObjectStore, SessionStore};
use moc_uploads_core::service::{Deps, Settings, Uploads};
use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::s3::{ACCESS_KEY_ID, Bucket, SECRET_ACCESS_KEY};

/// Sweeps as every server does, once what is there is a day old.
///
/// # Panics
/// When uploads are left that are not completed.
pub(crate) async fn sweep_as_of_tomorrow(database_url: &str, bucket: &Bucket) {
    let (sessions, events) = open(database_url).await;
    let options = S3Options {
        credentials: Some(AccessKey {
            id: ACCESS_KEY_ID.to_owned(),
            secret: SECRET_ACCESS_KEY.to_owned(),
        }),
        endpoint: Some(bucket.endpoint()),
        force_path_style: true,
        encryption: Encryption::None,
        ..S3Options::new(bucket.name())
    };
    let clock = Arc::new(ManualClock::new());
    let settings = Settings::default();
    clock.set(SystemClock.now() + settings.orphan_age * 2);
    let objects: Arc<dyn ObjectStore> = Arc::new(S3Store::connect(options, clock.clone()).await);
    let deps = Deps {
        sessions,
        objects: objects.clone(),
        events,
        event_queue: Arc::new(EventQueue::new(1)),
        clock,
        ids: Arc::new(TimeOrderedIds),
    };
    Uploads::new(deps, settings).sweep_orphans().await.unwrap();
    let page = objects.list_uploads("", None, 1000).await.unwrap();
    assert!(page.uploads.is_empty() && page.next.is_none(), "{page:?}");
}

async fn open(database_url: &str) -> (Arc<dyn SessionStore>, Arc<dyn EventStore>) {
    match database_url.strip_prefix("sqlite:") {
        Some(path) => {
            let store = Arc::new(SqliteStore::open(path).await.unwrap());
            (store.clone(), store)
        }
        None => {
            let store = PostgresStore::open(&PostgresOptions::new(database_url)).unwrap();
            let store = Arc::new(store);
            (store.clone(), store)
        }
    }
}
