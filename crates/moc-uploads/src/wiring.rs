//! From the configuration to the stores: the one place that knows which ones there are.

use std::sync::Arc;
use std::time::Duration;

use moc_uploads_blob_disk::DiskStore;
use moc_uploads_blob_s3::{S3Options, S3Store};
use moc_uploads_core::event_queue::EventQueue;
use moc_uploads_core::ids::TimeOrderedIds;
use moc_uploads_core::ports::{EventStore, ObjectStore, SessionStore};
use moc_uploads_core::service::{Deps, Uploads};
use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_store_postgres::PostgresStore;
use moc_uploads_store_sqlite::SqliteStore;

use crate::config::{BlobConfig, Config, DatabaseConfig};
use crate::failure::Failure;

/// Clocks that are kept agree better than this.
const NOTEWORTHY: Duration = Duration::from_secs(1);

/// The database that the configuration names.
#[derive(Clone)]
pub(crate) enum Database {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

impl Database {
    /// Opens it; the embedded one's file and folder are made when they are missing.
    ///
    /// # Errors
    /// Those of the database, with what was tried.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let database = &config.database;
        let opened = match database {
            DatabaseConfig::Sqlite(file) => SqliteStore::open(file)
                .await
                .map(|store| Self::Sqlite(Arc::new(store))),
            DatabaseConfig::Postgres(options) => {
                PostgresStore::open(options).map(|store| Self::Postgres(Arc::new(store)))
            }
        };
        opened.map_err(|error| {
            Failure::new(format!("can't open {database}"), error)
                .with_hint("DATA_DIR or DATABASE_URL says where the database is.")
        })
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn migrate(&self) -> Result<(), Failure> {
        let migrated = match self {
            Self::Sqlite(store) => store.migrate().await,
            Self::Postgres(store) => store.migrate().await,
        };
        migrated.map_err(|error| Failure::new("can't bring the database schema up to date", error))
    }

    /// Makes this process the server of the embedded database, which has one at a time, and gives
    /// back what the last one held. PostgreSQL has any number of replicas.
    ///
    /// # Errors
    /// Another server. Those of the database.
    pub(crate) async fn take_over(&self) -> Result<(), Failure> {
        match self {
            Self::Sqlite(store) => store
                .take_over()
                .await
                .map_err(|error| Failure::new("can't serve this database", error)),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Asks for the time, where it is the database's that counts (see [`Database::clock`]).
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn synchronise(&self) -> Result<(), Failure> {
        let Self::Postgres(store) = self else {
            return Ok(());
        };
        let asked = store.ping().await;
        asked.map_err(|error| Failure::new("can't ask the database for the time", error))?;
        let ahead_ms = store.clock().ahead_ms();
        if ahead_ms.unsigned_abs() > NOTEWORTHY.as_millis() as u64 {
            tracing::warn!(
                ahead_ms,
                "the database's clock is ahead of this machine's (or behind it, when negative); \
                 times are the database's"
            );
        }
        Ok(())
    }

    /// What time it is: the embedded database is on this machine, while a server's time is what all
    /// replicas share.
    fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Sqlite(_) => Arc::new(SystemClock),
            Self::Postgres(store) => store.clock(),
        }
    }

    /// Loads the example rows.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn seed(&self) -> Result<(), Failure> {
        let now = SystemClock.now();
        let seeded = match self {
            Self::Sqlite(store) => store.seed(now).await,
            Self::Postgres(store) => store.seed(now).await,
        };
        seeded.map_err(|error| Failure::new("can't load the example rows", error))
    }

    /// Finishes what was asked for and lets go.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }

    fn events(&self) -> Arc<dyn EventStore> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }

    fn sessions(&self) -> Arc<dyn SessionStore> {
        match self {
            Self::Sqlite(store) => store.clone(),
            Self::Postgres(store) => store.clone(),
        }
    }
}

/// The use cases over the stores that the configuration names. `base_url` is what clients reach
/// this server under, without a slash at its end.
///
/// # Errors
/// Another server on the same folder; those of the file system.
pub(crate) async fn open_uploads(
    config: &Config,
    database: &Database,
    base_url: &str,
) -> Result<Uploads, Failure> {
    let objects: Arc<dyn ObjectStore> = match &config.blobs {
        BlobConfig::Disk => DiskStore::open(config.data_dir.join("blobs"), base_url)
            .map(Arc::new)
            .map_err(|error| Failure::new("can't open the object store", error))?,
        BlobConfig::S3(options) => {
            Arc::new(S3Store::connect(S3Options::clone(options), database.clock()).await)
        }
    };
    let event_queue_size = if config.analytics.is_on {
        config.analytics.queue_size
    } else {
        0
    };
    let deps = Deps {
        sessions: database.sessions(),
        objects,
        events: database.events(),
        event_queue: Arc::new(EventQueue::new(event_queue_size)),
        clock: database.clock(),
        ids: Arc::new(TimeOrderedIds),
    };
    Ok(Uploads::new(deps, config.settings.clone()))
}
