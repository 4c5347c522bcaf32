//! Connections and their settings.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::Error;

/// How long a process waits for another one that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that writes. Makes the file and its folder.
pub(crate) fn open(path: &Path) -> Result<Connection, Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let db = connect(path)?;
    switch_to_wal(&db)?;
    // A commit survives power loss. Checkpoints are rarer than by default: each costs two syncs and
    // holds up the writer. Checks and triggers see to it that what others write by hand can be
    // read; here values of enumerations are literals of the statements and ids are typed, and each
    // check would cost as much as an index.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    db.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA ignore_check_constraints = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA wal_autocheckpoint = 8000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    sync_log(&db);
    Ok(db)
}

/// A process that was killed may have left commits in the log that it had not synced: whoever sees
/// them now is to see them after a power cut, too. A checkpoint begins with that; that it can't go on
/// (a full disk) does not matter here.
fn sync_log(db: &Connection) {
    let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
    if let Err(error) = db.query_row(checkpoint, [], |_| Ok(())) {
        tracing::warn!(%error, "the log of the database was not written back");
    }
}

/// A connection that only reads. It may still have to recover the log of a crashed process, so
/// the file is opened for writing.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let db = connect(path)?;
    db.execute_batch(
        "PRAGMA query_only = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -1024;",
    )?;
    Ok(db)
}

fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    Ok(db)
}

/// Two processes that open a new file at once would deadlock here, so SQLite refuses one of them
/// at once instead of waiting.
fn switch_to_wal(db: &Connection) -> Result<(), Error> {
    let started_at = Instant::now();
    loop {
        match db.pragma_update(None, "journal_mode", "wal") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started_at.elapsed() < BUSY_TIMEOUT =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_synced() {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder.path().join("test.db")).unwrap();
        let pragma =
            |name| db.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
        assert_eq!(pragma("synchronous").unwrap(), 2.into(), "FULL");
        assert_eq!(pragma("journal_mode").unwrap(), "wal".to_owned().into());
    }
}
