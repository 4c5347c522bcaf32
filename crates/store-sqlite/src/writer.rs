//! The one thread that writes. What waits is committed together.
//!
//! It does the look-ups of running uploads, too: its connection has their pages at hand, while
//! every commit makes the readers forget theirs.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::answers::{Answers, answer};
use crate::error::Error;
use crate::group::{Group, Waiting};
use crate::queue::Queue;
use crate::sql;
use crate::task::Job;

/// Bounds how long the first of a group waits for the last.
const MAX_GROUP: usize = 256;

pub(crate) fn spawn(
    db: Connection,
    queue: Arc<Queue<Waiting>>,
    answers: Answers,
) -> Result<JoinHandle<()>, Error> {
    let thread = std::thread::Builder::new()
        .name("sqlite-writer".to_owned())
        .spawn(move || {
            loop {
                let group = queue.take(MAX_GROUP);
                if group.is_empty() {
                    break;
                }
                let group = Group::from(group);
                if group.changes.is_empty() {
                    look(&db, group, &answers);
                } else {
                    commit(&db, group, &answers);
                }
            }
        })?;
    Ok(thread)
}

/// Runs peeks and look-ups as of the last commit.
fn look(db: &Connection, mut group: Group, answers: &Answers) {
    let undone = sql::execute(db, "BEGIN", []).err();
    let undone = undone.map(|error| Arc::new(Error::from(error)));
    if undone.is_none() {
        run_each(db, &mut group.peeks);
        run_each(db, &mut group.look_ups);
    }
    if let Err(error) = sql::execute(db, "ROLLBACK", [])
        && undone.is_none()
    {
        tracing::error!(%error, "transaction not ended");
    }
    answer(group.peeks, undone.as_ref());
    give(answers, group.look_ups, undone);
}

/// Runs peeks and look-ups as of the last commit, then changes: one transaction costs less than two.
fn commit(db: &Connection, mut group: Group, answers: &Answers) {
    let begun = match answers.failure() {
        Some(failure) => Err(Arc::clone(failure)),
        None => begin(db).map_err(|error| Arc::new(error.into())),
    };
    let mut changes = std::mem::take(&mut group.changes);
    if let Err(error) = begun {
        // Another process that writes keeps nobody from reading, but for the time that it is waited for.
        look(db, group, answers);
        return answer(changes, Some(&error));
    }
    run_each(db, &mut group.peeks);
    answer(group.peeks, None);
    run_each(db, &mut group.look_ups);
    answers.give(group.look_ups);
    let undone = change(db, &mut changes, answers).err().map(Arc::new);
    if undone.is_some()
        && !db.is_autocommit()
        && let Err(error) = sql::execute(db, "ROLLBACK", [])
    {
        tracing::error!(%error, "transaction not rolled back");
    }
    give(answers, changes, undone);
}

fn begin(db: &Connection) -> rusqlite::Result<usize> {
    sql::execute(db, "BEGIN IMMEDIATE", [])
}

/// One that fails says so in its answer.
fn run_each(db: &Connection, jobs: &mut [Job]) {
    for job in jobs {
        job.run(db);
    }
}

fn give(answers: &Answers, group: Vec<Job>, undone: Option<Arc<Error>>) {
    match undone {
        Some(_) => answer(group, undone.as_ref()),
        None => answers.give(group),
    }
}

/// Runs changes in the transaction that has begun, and ends it.
fn change(db: &Connection, group: &mut [Job], answers: &Answers) -> Result<(), Error> {
    // A look-up that fails may have ended the transaction.
    if db.is_autocommit() {
        begin(db)?;
    }
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
    answers.commit(|| sql::execute(db, "COMMIT", []))?;
    Ok(())
}

/// Runs each job again so that one that fails is undone alone.
fn run_apart(db: &Connection, group: &mut [Job]) -> Result<(), Error> {
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
