//! The session store on SQLite: one file, one writer thread that commits what waits together, and a
//! few readers beside it (DESIGN section 6).
//!
//! Several processes may open the same file. An answer means that the change survives power loss.

mod analytics;
mod connection;
mod decode;
mod error;
mod event_store;
mod migrate;
mod queue;
mod reader;
mod recent;
mod seed;
mod session_store;
mod sql;
mod task;
mod writer;

use std::fs::{File, TryLockError};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::StoreError;
use moc_uploads_core::time::Timestamp;

use crate::error::Error;
use crate::queue::Queue;
use crate::recent::Recent;
use crate::sql::Db;
use crate::task::{Job, submit, submit_noted};

/// A database file. Dropping it finishes what was asked for, in the background.
pub struct SqliteStore {
    path: PathBuf,
    /// Held by the one server of this database.
    server_lock: Mutex<Option<File>>,
    writes: Arc<Queue<Job>>,
    reads: Arc<Queue<Job>>,
    reports: Arc<Queue<Job>>,
    recent: Arc<Recent>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens the file, and makes it and its folder where there is none. The schema is not touched:
    /// see [`SqliteStore::migrate`].
    ///
    /// # Errors
    /// A file that can't be opened, is no database, or stays locked.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let store = tokio::task::spawn_blocking(move || Self::open_blocking(&path))
            .await
            .map_err(|error| StoreError::Internal(error.into()))?;
        Ok(store?)
    }

    fn open_blocking(path: &Path) -> Result<Self, Error> {
        let writes = Arc::new(Queue::default());
        let reads = Arc::new(Queue::default());
        let reports = Arc::new(Queue::default());
        let connection = connection::open(path)?;
        let mut threads = vec![writer::spawn(connection, writes.clone())?];
        for queue in iter::repeat_n(&reads, reader::COUNT).chain([&reports]) {
            let connection = connection::open_reader(path)?;
            threads.push(reader::spawn(connection, queue.clone())?);
        }
        Ok(Self {
            path: path.to_owned(),
            server_lock: Mutex::new(None),
            writes,
            reads,
            reports,
            recent: Arc::default(),
            threads: Mutex::new(threads),
        })
    }

    /// Brings the schema up to date. Safe to repeat, and in several processes at once.
    ///
    /// # Errors
    /// A database that a newer version of this program has migrated, or whose migrations are not
    /// the ones that this program knows.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.write(migrate::migrate).await
    }

    /// Makes this process the one server of the database until the store is dropped, and gives back
    /// the finalize locks of a server that is no more: clients need not wait until they are stale.
    ///
    /// # Errors
    /// Another process that serves. Those of the database.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let path = self.path.with_added_extension("server");
        let lock = tokio::task::spawn_blocking(|| lock_file(path))
            .await
            .map_err(|error| StoreError::Internal(error.into()))??;
        *self
            .server_lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(lock);
        self.write(|db| {
            sql::execute(db, include_str!("../queries/session_unlock_all.sql"), [])?;
            Ok(())
        })
        .await?;
        self.recent.begin();
        Ok(())
    }

    /// Loads the rows of the seed document, relative to `now`. Loading them again puts them back
    /// as they were and removes what was attached to them since.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn seed(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |db| seed::seed(db, now)).await
    }

    /// Finishes what was asked for and lets go of the file. What is asked for later is refused as
    /// unavailable.
    pub async fn close(&self) {
        self.shut();
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().try_for_each(JoinHandle::join));
        if !matches!(joined.await, Ok(Ok(()))) {
            tracing::error!("a database thread panicked");
        }
    }

    fn shut(&self) {
        self.writes.close();
        self.reads.close();
        self.reports.close();
    }

    /// Runs `work` in the next transaction, which it shares with others; when it fails, it alone
    /// is rolled back. Returns when the transaction is durable.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        submit(&self.writes, work).await
    }

    /// As [`Self::write`], for a change of sessions that may be new: `note` keeps what is known of them
    /// in step. It hears what comes of the change, and nothing when that is an error.
    async fn write_noted<C: Send + Sync + 'static, T: Send + 'static>(
        &self,
        change: C,
        mut work: impl FnMut(&Db<'_>, &C) -> Result<T, Error> + Send + 'static,
        mut note: impl FnMut(&Recent, &Arc<C>, Option<&T>) + Send + 'static,
    ) -> Result<T, StoreError> {
        let recent = Arc::clone(&self.recent);
        let change = Arc::new(change);
        let noted = Arc::clone(&change);
        let work = move |db: &Db<'_>| work(db, &change);
        let note = move |outcome: Option<&T>| note(&recent, &noted, outcome);
        submit_noted(&self.writes, work, note).await
    }

    /// As [`Self::write`], for what makes a session another than is known.
    async fn write_forgetting<T: Send + 'static>(
        &self,
        session_id: SessionId,
        mut work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_noted(
            session_id,
            move |db, _| work(db),
            |recent, session_id, _| recent.forget(**session_id),
        )
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        submit(&self.reads, work).await
    }
}

fn lock_file(path: PathBuf) -> Result<File, Error> {
    let file = File::create(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.with_extension(""))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.shut();
    }
}
