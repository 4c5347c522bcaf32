//! The one thread that writes. What waits is committed together.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::Error;
use crate::queue::Queue;
use crate::sql::{self, Db};
use crate::task::Job;

/// Bounds how long the first of a group waits for the last.
const MAX_GROUP: usize = 256;

pub(crate) fn spawn(
    connection: Connection,
    queue: Arc<Queue<Job>>,
) -> Result<JoinHandle<()>, Error> {
    let thread = std::thread::Builder::new()
        .name("sqlite-writer".to_owned())
        .spawn(move || {
            let db = Db::new(&connection);
            loop {
                let group = queue.take(MAX_GROUP);
                if group.is_empty() {
                    break;
                }
                commit(&db, group);
            }
        })?;
    Ok(thread)
}

/// Runs the jobs of a group in one transaction, and answers for them when it is durable or undone.
fn commit(db: &Db<'_>, mut group: Vec<Job>) {
    let undone = change(db, &mut group).err().map(Arc::new);
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

fn change(db: &Db<'_>, group: &mut [Job]) -> Result<(), Error> {
    begin(db)?;
    // A savepoint copies every page that is changed under it, so that only a group with a job that
    // fails pays for them.
    if !group.iter_mut().all(|job| job.run(db)) {
        // Some failures have ended the transaction themselves.
        if !db.is_autocommit() {
            sql::execute(db, "ROLLBACK", [])?;
        }
        begin(db)?;
        run_apart(db, group)?;
    }
    for job in group {
        job.note();
    }
    sql::execute(db, "COMMIT", [])?;
    Ok(())
}

fn begin(db: &Db<'_>) -> rusqlite::Result<usize> {
    sql::execute(db, "BEGIN IMMEDIATE", [])
}

/// Runs each job again so that one that fails is undone alone.
fn run_apart(db: &Db<'_>, group: &mut [Job]) -> Result<(), Error> {
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
    Ok(())
}

#[cfg(test)]
mod tests;
