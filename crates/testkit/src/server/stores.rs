//! The stores of servers, by the folder that they have for their data.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::fallible_iterator::FallibleIterator;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection};

use crate::pair;
use crate::postgres::{Database, Transaction};
use crate::s3::{Bucket, Swift};

/// What a server has outside its folder: as the run asks (see [`crate::app`]), or nothing.
pub struct Stores {
    /// Instead of SQLite.
    pub database: Option<Database>,
    /// Instead of a folder.
    pub bucket: Option<Bucket>,
    data_dir: PathBuf,
}

/// One half of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Store {
    /// A database in the server's folder.
    Sqlite,
    /// A database of the test's own.
    Postgres,
    /// Files in the server's folder.
    Disk,
    /// A bucket of the test's own.
    S3,
}

/// The ones of the server with its data in `data_dir`, the same each time that it is started.
pub fn stores(data_dir: &Path) -> Arc<Stores> {
    let make = || {
        let (is_postgres, is_s3) = (pair::asks_for_postgres(), pair::asks_for_s3());
        Arc::new(Stores::new(data_dir, is_postgres, is_s3))
    };
    with_all(|all| all.entry(data_dir.to_owned()).or_insert_with(make).clone())
}

/// For a server that was not started yet: one of its stores is this, whatever the run asks for.
pub fn choose(data_dir: &Path, store: Store) -> Arc<Stores> {
    let is_postgres = match store {
        Store::Sqlite => false,
        Store::Postgres => true,
        Store::Disk | Store::S3 => pair::asks_for_postgres(),
    };
    let is_s3 = match store {
        Store::Disk => false,
        Store::S3 => true,
        Store::Sqlite | Store::Postgres => pair::asks_for_s3(),
    };
    let stores = Arc::new(Stores::new(data_dir, is_postgres, is_s3));
    share_stores(data_dir, &stores);
    stores
}

/// The server with its data in `data_dir` is another replica on these.
pub fn share_stores(data_dir: &Path, stores: &Arc<Stores>) {
    with_all(|all| all.insert(data_dir.to_owned(), stores.clone()));
}

fn with_all<T>(act: impl FnOnce(&mut HashMap<PathBuf, Arc<Stores>>) -> T) -> T {
    // They go with the servers that they are on.
    static STORES: Mutex<Option<HashMap<PathBuf, Arc<Stores>>>> = Mutex::new(None);
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    act(stores.get_or_insert_default())
}

impl Stores {
    fn new(data_dir: &Path, is_postgres: bool, is_s3: bool) -> Self {
        Self {
            database: is_postgres.then(Database::empty),
            bucket: is_s3.then(|| Bucket::on(Swift::shared())),
            data_dir: data_dir.to_owned(),
        }
    }

    /// Whether these are the ones of a server without configuration.
    pub fn is_default(&self) -> bool {
        self.database.is_none() && self.bucket.is_none()
    }

    /// `DATABASE_URL`.
    pub fn database_url(&self) -> String {
        match &self.database {
            Some(database) => database.url(),
            None => format!("sqlite:{}", self.sqlite_path().display()),
        }
    }

    /// Runs statements that both databases understand and gives what they answer, a line a row,
    /// columns separated by `|`.
    ///
    /// # Panics
    /// When one of them fails.
    pub fn sql(&self, sql: &str) -> String {
        if let Some(database) = &self.database {
            return database.psql(sql);
        }
        let sqlite = self.sqlite();
        let mut lines = Vec::new();
        let mut batch = Batch::new(&sqlite, sql);
        while let Some(mut statement) = batch.next().unwrap() {
            let count = statement.column_count();
            let mut rows = statement.query(()).unwrap();
            while let Some(row) = rows.next().unwrap() {
                let columns = (0..count).map(|column| text(row.get_ref(column).unwrap()));
                lines.push(columns.collect::<Vec<_>>().join("|"));
            }
        }
        lines.join("\n")
    }

    /// Lets nobody else write to the tables of sessions and events until it is dropped; they can be
    /// read.
    pub fn hold_writes(&self) -> HeldWrites {
        match &self.database {
            Some(database) => HeldWrites::Postgres(
                database
                    .hold("LOCK TABLE upload_sessions, upload_session_analytics IN EXCLUSIVE MODE"),
            ),
            None => {
                let sqlite = self.sqlite();
                sqlite.execute_batch("BEGIN IMMEDIATE").unwrap();
                HeldWrites::Sqlite(sqlite)
            }
        }
    }

    fn sqlite_path(&self) -> PathBuf {
        self.data_dir.join("moc-uploads.db")
    }

    fn sqlite(&self) -> Connection {
        Connection::open(self.sqlite_path()).unwrap()
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
            // Swift shares the processors with all tests. How long a store is waited for is what
            // the tests of outages are about.
            for name in ["S3_READ_TIMEOUT_MS", "S3_OPERATION_TIMEOUT_MS"] {
                variables.push((name, "60000".to_owned()));
            }
        }
        variables
    }
}

/// A transaction that is open; it ends, having changed nothing, when this is dropped.
#[must_use = "dropped, it holds nothing"]
pub enum HeldWrites {
    /// In the server's file.
    Sqlite(Connection),
    /// In the server's database.
    Postgres(Transaction),
}

/// As `psql` prints it.
fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}
