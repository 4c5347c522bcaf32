//! The stores of servers, by the folder that they have for their data.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::pair;
use crate::postgres::Database;
use crate::s3::{Bucket, Swift};

/// What a server has outside its folder: as the run asks (see [`crate::app`]), or nothing.
pub struct Stores {
    /// Instead of SQLite.
    pub database: Option<Database>,
    /// Instead of a folder.
    pub bucket: Option<Bucket>,
}

/// The ones of the server with its data in `data_dir`, the same each time that it is started.
pub fn stores(data_dir: &Path) -> Arc<Stores> {
    // They go with the servers that they are on.
    static STORES: Mutex<Option<HashMap<PathBuf, Arc<Stores>>>> = Mutex::new(None);
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    stores
        .get_or_insert_default()
        .entry(data_dir.to_owned())
        .or_insert_with(|| Arc::new(Stores::new()))
        .clone()
}

impl Stores {
    fn new() -> Self {
        Self {
            database: pair::asks_for_postgres().then(Database::empty),
            bucket: pair::asks_for_s3().then(|| Bucket::on(Swift::shared())),
        }
    }

    pub(super) fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if let Some(database) = &self.database {
            variables.push(("DATABASE_URL", database.url()));
        }
        if let Some(bucket) = &self.bucket {
            variables.extend(bucket.variables());
            // What comes back is what tests look at, wherever it is kept.
            variables.push(("CONTENT_DELIVERY", "proxy".to_owned()));
        }
        variables
    }
}
