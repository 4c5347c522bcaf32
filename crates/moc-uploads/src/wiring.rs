//! From the configuration to the stores: the one place that knows which ones there are.

use std::sync::Arc;

use moc_uploads_blob_disk::DiskStore;
use moc_uploads_core::ids::TimeOrderedIds;
use moc_uploads_core::service::{Deps, Uploads};
use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_store_sqlite::SqliteStore;

use crate::config::Config;
use crate::failure::Failure;

/// The database that the configuration names.
#[derive(Clone)]
pub(crate) struct Database(Arc<SqliteStore>);

impl Database {
    /// Opens it; its file and folder are made when they are missing.
    ///
    /// # Errors
    /// Those of the database, with what was tried.
    pub(crate) async fn open(config: &Config) -> Result<Self, Failure> {
        let file = &config.database_file;
        SqliteStore::open(file)
            .await
            .map(|store| Self(Arc::new(store)))
            .map_err(|error| Failure::new(format!("can't open {}", file.display()), error))
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn migrate(&self) -> Result<(), Failure> {
        self.0
            .migrate()
            .await
            .map_err(|error| Failure::new("can't bring the database schema up to date", error))
    }

    /// Makes this process the server of the embedded database, which has one at a time, and gives
    /// back what the last one held.
    ///
    /// # Errors
    /// Another server. Those of the database.
    pub(crate) async fn take_over(&self) -> Result<(), Failure> {
        self.0
            .take_over()
            .await
            .map_err(|error| Failure::new("can't serve this database", error))
    }

    /// Loads the example rows.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn seed(&self) -> Result<(), Failure> {
        self.0
            .seed(SystemClock.now())
            .await
            .map_err(|error| Failure::new("can't load the example rows", error))
    }

    /// Finishes what was asked for and lets go.
    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

/// The use cases over the stores that the configuration names. `base_url` is what clients reach
/// this server under, without a slash at its end.
///
/// # Errors
/// Another server on the same folder; those of the file system.
pub(crate) fn open_uploads(
    config: &Config,
    database: &Database,
    base_url: &str,
) -> Result<Uploads, Failure> {
    let objects = DiskStore::open(config.data_dir.join("blobs"), base_url)
        .map_err(|error| Failure::new("can't open the object store", error))?;
    let deps = Deps {
        sessions: database.0.clone(),
        objects: Arc::new(objects),
        clock: Arc::new(SystemClock),
        ids: Arc::new(TimeOrderedIds),
    };
    Ok(Uploads::new(deps, config.settings.clone()))
}
