//! The session store on PostgreSQL: any number of replicas over one database (DESIGN section 6).
//!
//! A request is one statement where one can do it. No connection keeps any state between two
//! transactions, so a transaction-mode pooler may stand in between.

mod analytics;
mod clock;
mod connection;
mod decode;
mod error;
mod event_store;
mod examine;
mod migrate;
mod options;
mod seed;
mod session_store;
mod sql;

use std::sync::Arc;

use moc_uploads_core::ports::StoreError;
use moc_uploads_core::time::Timestamp;

pub use crate::clock::DatabaseClock;
pub use crate::examine::Examination;
pub use crate::options::{PostgresOptions, TimeSource};
use crate::sql::{Database, Turns};

/// One to write events and one to find those that are missing.
const EVENT_CONNECTIONS: u32 = 2;

/// Reports at once. Others wait for their turn.
const REPORTS: u32 = 2;

/// One to sum hours up beside the reports.
const REPORT_CONNECTIONS: u32 = REPORTS + 1;

/// A database, and the connections to it.
pub struct PostgresStore {
    db: Database,
    /// For events, which wait without keeping uploads waiting.
    events: Database,
    /// For reports, and for what makes them quick.
    reports: Database,
    report_turns: Turns,
    time: TimeSource,
    clock: Arc<DatabaseClock>,
}

impl PostgresStore {
    /// Connects when it is first asked for something: a database that does not answer is
    /// [`StoreError::Unavailable`] then, until it does. The schema is not touched: see
    /// [`PostgresStore::migrate`]. Needs a Tokio runtime.
    ///
    /// # Errors
    /// A URL that can't be right.
    pub fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let open = |max_connections| {
            Database::open(&PostgresOptions {
                max_connections,
                ..options.clone()
            })
        };
        Ok(Self {
            db: open(options.max_connections)?,
            events: open(EVENT_CONNECTIONS)?,
            reports: open(REPORT_CONNECTIONS)?,
            report_turns: Turns::new(REPORTS),
            time: options.time,
            clock: Arc::new(DatabaseClock::over(options.local_clock.clone())),
        })
    }

    /// The server's time, as of the last `ping`.
    pub fn clock(&self) -> Arc<DatabaseClock> {
        self.clock.clone()
    }

    /// Brings the schema up to date. Safe to repeat, and in several processes at once: one does
    /// it, the others wait.
    ///
    /// # Errors
    /// A database that a newer version of this program has migrated, or whose migrations are not
    /// the ones that this program knows.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        match migrate::migrate(&self.db).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.db.explain(error).await.into()),
        }
    }

    /// Loads the rows of the seed document, relative to `now`. Loading them again puts them back
    /// as they were and removes what was attached to them since.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn seed(&self, now: Timestamp) -> Result<(), StoreError> {
        Ok(seed::seed(&self.db, now).await?)
    }

    /// Finishes what was asked for and lets go of the connections. What is asked for later is
    /// refused as unavailable.
    pub async fn close(&self) {
        self.events.close().await;
        self.reports.close().await;
        self.db.close().await;
    }
}
