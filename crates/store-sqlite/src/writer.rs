//! The one thread that writes. What waits is committed together.
//!
//! It does the look-ups of running uploads, too: its connection has their pages at hand, while
//! every commit makes the readers forget theirs.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::answers::{Answers, answer};
use crate::error::Error;
use crate::group::{Group, Work};
use crate::queue::Queue;
use crate::sql;
use crate::task::Job;

/// Bounds how long the first of a group waits for the last.
const MAX_GROUP: usize = 256;

pub(crate) fn spawn(
    db: Connection,
    queue: Arc<Queue<Work>>,
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
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use moc_uploads_core::ports::StoreError;
    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::connection;
    use crate::task::job;

    fn database() -> (Connection, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let db = connection::open(&folder.path().join("test.db")).unwrap();
        db.execute_batch("CREATE TABLE t (x INTEGER NOT NULL UNIQUE, filler TEXT) STRICT")
            .unwrap();
        (db, folder)
    }

    /// Returns when all answers are given.
    fn with_answers(work: impl FnOnce(&Answers)) {
        let (answers, thread) = Answers::spawn(|| Ok(Ok(()))).unwrap();
        work(&answers);
        drop(answers);
        thread.join().unwrap();
    }

    fn commit_now(db: &Connection, group: Vec<Job>) {
        let group = Group {
            changes: group,
            ..Group::default()
        };
        with_answers(|answers| commit(db, group, answers));
    }

    fn insert(x: i64) -> (Job, Receiver<Result<(), Error>>) {
        job(move |db| {
            sql::execute(db, "INSERT INTO t (x) VALUES (?1)", [x])?;
            Ok(())
        })
    }

    /// Writes a row, then more than fits.
    fn fill() -> (Job, Receiver<Result<(), Error>>) {
        job(|db| {
            sql::execute(db, "INSERT INTO t VALUES (99, hex(zeroblob(10000000)))", [])?;
            Ok(())
        })
    }

    fn answer(mut receiver: Receiver<Result<(), Error>>) -> Result<(), StoreError> {
        Ok(receiver.try_recv().unwrap()?)
    }

    fn stored(db: &Connection) -> Vec<i64> {
        sql::all(db, "SELECT x FROM t ORDER BY x", [], |row| Ok(row.get(0)?)).unwrap()
    }

    #[test]
    fn a_job_that_fails_or_panics_is_undone_alone() {
        let (db, _folder) = database();
        let (first, first_answer) = insert(1);
        let (failing, failing_answer) = job(|db| {
            sql::execute(db, "INSERT INTO t (x) VALUES (2)", [])?;
            sql::execute(db, "INSERT INTO t (x) VALUES (1)", [])?;
            Ok(())
        });
        let (panicking, panicking_answer) = job(|db| {
            sql::execute(db, "INSERT INTO t (x) VALUES (3)", [])?;
            panic!("as the test wants");
        });
        let (last, last_answer) = insert(4);
        commit_now(&db, vec![first, failing, panicking, last]);
        assert!(answer(first_answer).is_ok());
        assert!(matches!(
            answer(failing_answer),
            Err(StoreError::Internal(_))
        ));
        assert!(matches!(
            answer(panicking_answer),
            Err(StoreError::Internal(_))
        ));
        assert!(answer(last_answer).is_ok());
        assert_eq!(stored(&db), [1, 4]);
        assert!(db.is_autocommit());
    }

    #[test]
    fn a_look_up_waits_for_what_it_sees_to_be_synced_and_a_peek_does_not() {
        let (db, _folder) = database();
        let ((begin, begun), (end, ended)) = (mpsc::channel(), mpsc::channel());
        let sync = move || {
            begin.send(()).unwrap();
            ended.recv().unwrap();
            Ok(Ok(()))
        };
        let (answers, syncer) = Answers::spawn(sync).unwrap();
        let queue = Arc::new(Queue::default());
        let writer = spawn(db, Arc::clone(&queue), answers).unwrap();

        let (change, mut changed) = insert(1);
        assert!(queue.push(Work::Change(change)));
        begun.recv().unwrap();
        let (look_up, mut looked_up) = job(|db| Ok(stored(db)));
        assert!(queue.push(Work::LookUp(look_up)));
        // The second comes after the look-up, whatever groups they are in.
        for _ in 0..2 {
            let (peek, peeked) = job(|db| Ok(stored(db)));
            assert!(queue.push(Work::Peek(peek)));
            assert_eq!(peeked.blocking_recv().unwrap().unwrap(), [1]);
        }
        assert!(changed.try_recv().is_err());
        assert!(looked_up.try_recv().is_err());
        end.send(()).unwrap();
        assert!(changed.blocking_recv().unwrap().is_ok());
        assert_eq!(looked_up.blocking_recv().unwrap().unwrap(), [1]);

        queue.close();
        writer.join().unwrap();
        syncer.join().unwrap();
    }

    #[test]
    fn look_ups_are_answered_one_by_one_and_leave_no_transaction() {
        let (db, _folder) = database();
        commit_now(&db, vec![insert(1).0]);
        let (failing, failing_answer) = job(|_| Err::<(), _>(Error::Closed));
        let (panicking, panicking_answer) = job(|_| panic!("as the test wants"));
        let (found, mut found_answer) = job(|db| Ok(stored(db)));
        let group = Group {
            peeks: vec![failing, panicking, found],
            ..Group::default()
        };
        with_answers(|answers| look(&db, group, answers));
        assert!(answer(failing_answer).is_err());
        assert!(answer(panicking_answer).is_err());
        assert_eq!(found_answer.try_recv().unwrap().unwrap(), [1]);
        assert!(db.is_autocommit());
    }

    #[test]
    fn what_only_reads_sees_the_last_commit_and_outlives_changes_that_fail() {
        let (db, _folder) = database();
        commit_now(&db, vec![insert(1).0]);
        let look = || job(|db| Ok(stored(db)));
        let ((peek, mut peeked), (look_up, mut looked_up)) = (look(), look());
        let (change, changed) = insert(2);
        let (failing, failing_answer) = insert(1);
        let group = Group {
            peeks: vec![peek],
            look_ups: vec![look_up],
            changes: vec![change, failing],
        };
        with_answers(|answers| commit(&db, group, answers));
        assert_eq!(peeked.try_recv().unwrap().unwrap(), [1]);
        assert_eq!(looked_up.try_recv().unwrap().unwrap(), [1]);
        assert!(answer(changed).is_ok());
        assert!(answer(failing_answer).is_err());
        assert_eq!(stored(&db), [1, 2]);
    }

    #[test]
    fn nothing_is_answered_before_the_group_is_committed() {
        let (db, folder) = database();
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        let (first, mut first_answer) = insert(1);
        let (second, second_answer) = job(move |_| {
            assert!(first_answer.try_recv().is_err());
            assert!(stored(&other).is_empty());
            Ok(())
        });
        commit_now(&db, vec![first, second]);
        assert!(answer(second_answer).is_ok());
        assert_eq!(stored(&db), [1]);
    }

    #[test]
    fn a_full_disk_is_unavailable_and_what_was_committed_stays() {
        let (db, _folder) = database();
        commit_now(&db, vec![insert(1).0]);
        db.execute_batch("PRAGMA max_page_count = 10").unwrap();
        let (full, full_answer) = fill();
        commit_now(&db, vec![full]);
        assert!(matches!(
            answer(full_answer),
            Err(StoreError::Unavailable(_))
        ));
        let (next, next_answer) = insert(2);
        commit_now(&db, vec![next]);
        assert!(answer(next_answer).is_ok());
        assert_eq!(stored(&db), [1, 2]);
    }

    #[test]
    fn a_group_whose_transaction_is_gone_is_unavailable_as_a_whole() {
        let (db, _folder) = database();
        let (first, first_answer) = insert(1);
        let (ending, ending_answer) = job(|db| {
            sql::execute(db, "ROLLBACK", [])?;
            Err(Error::Closed)
        });
        let (last, last_answer) = insert(2);
        commit_now(&db, vec![first, ending, last]);
        for answer in [
            answer(first_answer),
            answer(ending_answer),
            answer(last_answer),
        ] {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))));
        }
        assert!(stored(&db).is_empty());
        let (next, next_answer) = insert(3);
        commit_now(&db, vec![next]);
        assert!(answer(next_answer).is_ok());
    }

    #[test]
    fn a_database_that_another_process_holds_is_unavailable() {
        let (db, folder) = database();
        db.busy_timeout(Duration::ZERO).unwrap();
        let other = Connection::open(folder.path().join("test.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (refused, refused_answer) = insert(1);
        let (look_up, mut looked_up) = job(|db| Ok(stored(db)));
        let group = Group {
            look_ups: vec![look_up],
            changes: vec![refused],
            ..Group::default()
        };
        with_answers(|answers| commit(&db, group, answers));
        let refused = answer(refused_answer).unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
        assert!(looked_up.try_recv().unwrap().unwrap().is_empty());
        other.execute_batch("ROLLBACK").unwrap();
        let (next, next_answer) = insert(1);
        commit_now(&db, vec![next]);
        assert!(answer(next_answer).is_ok());
    }
}
