//! From the configuration to the stores: the one place that knows which ones there are.

use std::sync::Arc;

use moc_uploads_blob_disk::DiskStore;
use moc_uploads_core::ids::TimeOrderedIds;
use moc_uploads_core::service::{Deps, Uploads};
use moc_uploads_core::time::SystemClock;
use moc_uploads_store_sqlite::SqliteStore;

use crate::config::Config;
use crate::failure::Failure;

/// Opens the database; its file and folder are made when they are missing.
///
/// # Errors
/// Those of the database, with what was tried.
pub(crate) async fn open_database(config: &Config) -> Result<Arc<SqliteStore>, Failure> {
    let file = &config.database_file;
    SqliteStore::open(file)
        .await
        .map(Arc::new)
        .map_err(|error| Failure::new(format!("can't open {}", file.display()), error))
}

/// The use cases over the stores that the configuration names. `base_url` is what clients reach
/// this server under, without a slash at its end.
///
/// # Errors
/// Another server on the same folder; those of the file system.
pub(crate) fn open_uploads(
    config: &Config,
    database: Arc<SqliteStore>,
    base_url: &str,
) -> Result<Uploads, Failure> {
    let objects = DiskStore::open(config.data_dir.join("blobs"), base_url)
        .map_err(|error| Failure::new("can't open the object store", error))?;
    let deps = Deps {
        sessions: database,
        objects: Arc::new(objects),
        clock: Arc::new(SystemClock),
        ids: Arc::new(TimeOrderedIds),
    };
    Ok(Uploads::new(deps, config.settings.clone()))
}
