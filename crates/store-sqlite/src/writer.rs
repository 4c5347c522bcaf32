//! The one thread that writes. What waits is committed together, so that a sync is shared by all
//! requests that came while the one before ran.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::Error;
use crate::queue::Queue;
use crate::sql;
use crate::task::Job;

/// Bounds how long the first of a group waits for the last.
const MAX_GROUP: usize = 256;

pub(crate) fn spawn(db: Connection, queue: Arc<Queue<Job>>) -> Result<JoinHandle<()>, Error> {
    let thread = std::thread::Builder::new()
        .name("sqlite-writer".to_owned())
        .spawn(move || {
            loop {
                let group = queue.take(MAX_GROUP);
                if group.is_empty() {
                    break;
                }
                commit(&db, group);
            }
            if let Err(error) = db.execute_batch("PRAGMA optimize") {
                tracing::debug!(%error, "database not optimized");
            }
        })?;
    Ok(thread)
}

/// Runs a group in one transaction and answers when that is durable.
fn commit(db: &Connection, mut group: Vec<Job>) {
    let undone = run(db, &mut group).err().map(Arc::new);
    if undone.is_some()
        && !db.is_autocommit()
        && let Err(error) = sql::execute(db, "ROLLBACK", [])
    {
        tracing::error!(%error, "transaction not rolled back");
    }
    for job in group {
        job.answer(undone.clone().map(Error::Transaction));
    }
}

fn run(db: &Connection, group: &mut [Job]) -> Result<(), Error> {
    sql::execute(db, "BEGIN IMMEDIATE", [])?;
    for job in group {
        sql::execute(db, "SAVEPOINT job", [])?;
        if !job.run(db) {
            // A full disk ends the whole transaction: with the savepoint the group is gone.
            if db.is_autocommit() {
                return Err(Error::Undone);
            }
            sql::execute(db, "ROLLBACK TO job", [])?;
        }
        sql::execute(db, "RELEASE job", [])?;
    }
    sql::execute(db, "COMMIT", [])?;
    Ok(())
}
