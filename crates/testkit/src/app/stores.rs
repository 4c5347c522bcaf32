//! The one place where a [`TestApp`](super::TestApp) gets its stores from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moc_uploads_blob_disk::{DiskStore, OpenError};
use moc_uploads_blob_s3::{AccessKey, Encryption, S3Options, S3Store};
use moc_uploads_core::ports::{EventStore, ObjectStore, SessionStore};
use moc_uploads_core::time::{Clock, Timestamp};
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore, TimeSource};
use moc_uploads_store_sqlite::SqliteStore;
use tempfile::TempDir;

use super::PUBLIC_BASE_URL;
use crate::pair;
use crate::postgres::Database;
use crate::s3::{ACCESS_KEY_ID, Bucket, SECRET_ACCESS_KEY, Swift};

/// What the object store keeps for itself.
pub(super) const OWN_FILES: &[&str] = &["database.id", "layout.version", "lock", "presign.key"];

/// What is there before an app is started and after it has ended.
pub(super) struct Place {
    folder: TempDir,
    database: Option<Database>,
    bucket: Option<Bucket>,
}

/// The ports over what is in a place.
pub(super) struct Stores {
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) objects: Arc<dyn ObjectStore>,
    pub(super) events: Arc<dyn EventStore>,
    seeds: Seeds,
}

enum Seeds {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Place {
    /// An empty one. `MOC_TEST_DATABASE=postgres` takes PostgreSQL instead of SQLite,
    /// `MOC_TEST_OBJECTS=s3` a bucket instead of a folder.
    pub(super) async fn new() -> Self {
        Self {
            bucket: asked_bucket(),
            ..Self::on_disk().await
        }
    }

    /// The database that is asked for, and a folder.
    pub(super) async fn on_disk() -> Self {
        if pair::asks_for_postgres() {
            Self {
                database: Some(Database::migrated(migrate).await),
                ..Self::embedded()
            }
        } else {
            Self::embedded()
        }
    }

    /// PostgreSQL, and what is asked for for objects.
    pub(super) async fn on_postgres() -> Self {
        Self {
            database: Some(Database::migrated(migrate).await),
            bucket: asked_bucket(),
            ..Self::embedded()
        }
    }

    /// The database that is asked for, and a bucket.
    pub(super) async fn in_a_bucket(bucket: Bucket) -> Self {
        Self::on_disk().await.with_bucket(bucket)
    }

    pub(super) fn with_bucket(self, bucket: Bucket) -> Self {
        Self {
            bucket: Some(bucket),
            ..self
        }
    }

    /// SQLite and a folder.
    pub(super) fn embedded() -> Self {
        Self {
            folder: new_folder(),
            database: None,
            bucket: None,
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the object store keeps what it keeps.
    pub(super) fn objects_folder(&self) -> PathBuf {
        self.folder().join("objects")
    }

    pub(super) fn database(&self) -> Option<&Database> {
        self.database.as_ref()
    }

    pub(super) fn bucket(&self) -> Option<&Bucket> {
        self.bucket.as_ref()
    }

    async fn objects(&self, clock: Arc<dyn Clock>) -> Arc<dyn ObjectStore> {
        match &self.bucket {
            // Work that nobody waits for any more may still hold the store of before.
            None => loop {
                match DiskStore::open(self.objects_folder(), PUBLIC_BASE_URL) {
                    Ok(store) => break Arc::new(store),
                    Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            },
            Some(bucket) => Arc::new(S3Store::connect(s3_options(bucket), clock).await),
        }
    }

    pub(super) async fn open(&self, clock: Arc<dyn Clock>) -> Stores {
        let objects = self.objects(clock).await;
        match &self.database {
            None => {
                let sqlite = SqliteStore::open(self.folder().join("moc-uploads.db"));
                let sqlite = Arc::new(sqlite.await.unwrap());
                sqlite.migrate().await.unwrap();
                while let Err(error) = sqlite.take_over().await {
                    assert!(error.to_string().contains("another server"), "{error}");
                    tokio::task::yield_now().await;
                }
                Stores {
                    sessions: sqlite.clone(),
                    objects,
                    events: sqlite.clone(),
                    seeds: Seeds::Sqlite(sqlite),
                }
            }
            Some(database) => {
                let postgres = Arc::new(postgres(&database.url()));
                Stores {
                    sessions: postgres.clone(),
                    objects,
                    events: postgres.clone(),
                    seeds: Seeds::Postgres(postgres),
                }
            }
        }
    }
}

impl Stores {
    pub(super) async fn seed(&self, now: Timestamp) {
        match &self.seeds {
            Seeds::Sqlite(store) => store.seed(now).await,
            Seeds::Postgres(store) => store.seed(now).await,
        }
        .unwrap();
    }
}

fn asked_bucket() -> Option<Bucket> {
    pair::asks_for_s3().then(|| Bucket::on(Swift::taking_small_parts()))
}

fn s3_options(bucket: &Bucket) -> S3Options {
    S3Options {
        credentials: Some(AccessKey {
            id: ACCESS_KEY_ID.to_owned(),
            secret: SECRET_ACCESS_KEY.to_owned(),
        }),
        endpoint: Some(bucket.endpoint()),
        force_path_style: true,
        // Swift has none.
        encryption: Encryption::None,
        ..S3Options::new(bucket.name())
    }
}

/// Its time is the caller's, which tests move.
fn postgres(url: &str) -> PostgresStore {
    let options = PostgresOptions {
        time: TimeSource::Caller,
        ..PostgresOptions::new(url)
    };
    PostgresStore::open(&options).unwrap()
}

async fn migrate(url: String) {
    let store = postgres(&url);
    store.migrate().await.unwrap();
    store.close().await;
}

/// In memory where that can be had: no test here is about power loss, and waiting for disks to sync
/// takes ten times as long as everything else.
fn new_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let mut builder = tempfile::Builder::new();
    builder.prefix("moc-uploads-");
    if memory.is_dir() {
        builder.tempdir_in(memory).unwrap()
    } else {
        builder.tempdir().unwrap()
    }
}
