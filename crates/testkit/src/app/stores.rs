//! The one place where a [`TestApp`](super::TestApp) gets its stores from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moc_uploads_blob_disk::DiskStore;
use moc_uploads_core::ports::{EventStore, ObjectStore, SessionStore};
use moc_uploads_core::time::Timestamp;
use moc_uploads_store_sqlite::SqliteStore;

use super::PUBLIC_BASE_URL;

pub(super) struct Stores {
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) events: Arc<dyn EventStore>,
    sqlite: Arc<SqliteStore>,
}

impl Stores {
    pub(super) async fn seed(&self, now: Timestamp) {
        self.sqlite.seed(now).await.unwrap();
    }
}

/// Fresh stores in an empty folder.
pub(super) async fn open(folder: &Path) -> Stores {
    let sqlite = SqliteStore::open(folder.join("moc-uploads.db"));
    let sqlite = Arc::new(sqlite.await.unwrap());
    sqlite.migrate().await.unwrap();
    let objects = DiskStore::open(objects_folder(folder), PUBLIC_BASE_URL).unwrap();
    Stores {
        sessions: sqlite.clone(),
        events: sqlite.clone(),
        objects: Arc::new(objects),
        sqlite,
    }
}

/// What the object store keeps for itself.
pub(super) const OWN_FILES: &[&str] = &["database.id", "lock", "presign.key"];

/// Where the object store keeps what it keeps.
pub(super) fn objects_folder(folder: &Path) -> PathBuf {
    folder.join("objects")
}
