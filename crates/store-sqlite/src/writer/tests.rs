use std::sync::{Mutex, mpsc};
use std::time::Duration;

use moc_uploads_core::ports::StoreError;
use tokio::sync::oneshot::Receiver;

use super::*;
use crate::connection;
use crate::task::{job, noted_job};

fn database() -> (Connection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let db = connection::open(&folder.path().join("test.db")).unwrap();
    db.execute_batch("CREATE TABLE t (x INTEGER NOT NULL UNIQUE, filler TEXT) STRICT")
        .unwrap();
    (db, folder)
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

fn stored(db: &Db<'_>) -> Vec<i64> {
    sql::all(db, "SELECT x FROM t ORDER BY x", [], |row| Ok(row.get(0)?)).unwrap()
}

#[test]
fn a_job_that_fails_or_panics_is_undone_alone() {
    let (connection, _folder) = database();
    let db = Db::new(&connection);
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
    commit(&db, vec![first, failing, panicking, last]);
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
fn changes_are_noted_before_they_are_committed_and_what_is_undone_before_its_answer() {
    let (connection, _folder) = database();
    let db = Db::new(&connection);
    let notes: Arc<Mutex<Vec<Option<i64>>>> = Arc::default();
    let noted = |x: i64, is_group_ended: bool| {
        let notes = Arc::clone(&notes);
        let insert = move |db: &Db<'_>| {
            sql::execute(db, "INSERT INTO t (x) VALUES (?1)", [x])?;
            if is_group_ended {
                sql::execute(db, "ROLLBACK", [])?;
            }
            Ok(())
        };
        let committed = move |done: Option<&()>| notes.lock().unwrap().push(done.map(|()| x));
        noted_job(insert, committed)
    };
    let noted_of = |group: [(Job, Receiver<Result<(), Error>>); 2]| {
        let (jobs, mut answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        commit(&db, jobs);
        let answered = answers.iter_mut().all(|answer| answer.try_recv().is_ok());
        assert!(answered);
        std::mem::take(&mut *notes.lock().unwrap())
    };

    let both = noted_of([noted(1, false), noted(2, false)]);
    assert_eq!(both, [Some(1), Some(2)]);
    // One fails by itself: the other is done again, and noted once.
    let one = noted_of([noted(1, false), noted(3, false)]);
    assert_eq!(one, [Some(3), None]);
    // Both are done, and then undone.
    let none = noted_of([noted(4, false), noted(5, true)]);
    assert_eq!(none, [Some(4), Some(5), None, None]);
}

/// Not even a reader, who waits for no writer, sees what is not noted.
#[test]
fn a_change_is_noted_before_it_can_be_seen() {
    let (connection, folder) = database();
    let db = Db::new(&connection);
    let reader = Connection::open(folder.path().join("test.db")).unwrap();
    let insert = |db: &Db<'_>| {
        sql::execute(db, "INSERT INTO t (x) VALUES (1)", [])?;
        Ok(())
    };
    let (seen, seen_first) = mpsc::channel();
    let note = move |_: Option<&()>| seen.send(stored(&Db::new(&reader))).unwrap();
    let (change, mut answer) = noted_job(insert, note);
    commit(&db, vec![change]);
    assert!(answer.try_recv().unwrap().is_ok());
    let seen_first: Vec<Vec<i64>> = seen_first.try_iter().collect();
    assert_eq!(seen_first, [Vec::<i64>::new()]);
    assert_eq!(stored(&db), [1]);
}

#[test]
fn nothing_is_answered_before_the_group_is_committed() {
    let (connection, folder) = database();
    let db = Db::new(&connection);
    let other = Connection::open(folder.path().join("test.db")).unwrap();
    let (first, mut first_answer) = insert(1);
    let (second, second_answer) = job(move |_| {
        assert!(first_answer.try_recv().is_err());
        assert!(stored(&Db::new(&other)).is_empty());
        Ok(())
    });
    commit(&db, vec![first, second]);
    assert!(answer(second_answer).is_ok());
    assert_eq!(stored(&db), [1]);
}

#[test]
fn a_full_disk_is_unavailable_and_what_was_committed_stays() {
    let (connection, _folder) = database();
    let db = Db::new(&connection);
    commit(&db, vec![insert(1).0]);
    db.execute_batch("PRAGMA max_page_count = 10").unwrap();
    let (full, full_answer) = fill();
    commit(&db, vec![full]);
    assert!(matches!(
        answer(full_answer),
        Err(StoreError::Unavailable(_))
    ));
    let (next, next_answer) = insert(2);
    commit(&db, vec![next]);
    assert!(answer(next_answer).is_ok());
    assert_eq!(stored(&db), [1, 2]);
}

#[test]
fn a_group_whose_transaction_is_gone_is_unavailable_as_a_whole() {
    let (connection, _folder) = database();
    let db = Db::new(&connection);
    let (first, first_answer) = insert(1);
    let (ending, ending_answer) = job(|db| {
        sql::execute(db, "ROLLBACK", [])?;
        Err(Error::Closed)
    });
    let (last, last_answer) = insert(2);
    commit(&db, vec![first, ending, last]);
    for answer in [
        answer(first_answer),
        answer(ending_answer),
        answer(last_answer),
    ] {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))));
    }
    assert!(stored(&db).is_empty());
    let (next, next_answer) = insert(3);
    commit(&db, vec![next]);
    assert!(answer(next_answer).is_ok());
}

#[test]
fn a_database_that_another_process_holds_is_unavailable() {
    let (connection, folder) = database();
    let db = Db::new(&connection);
    db.busy_timeout(Duration::ZERO).unwrap();
    let other = Connection::open(folder.path().join("test.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (refused, refused_answer) = insert(1);
    commit(&db, vec![refused]);
    let refused = answer(refused_answer).unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
    other.execute_batch("ROLLBACK").unwrap();
    let (next, next_answer) = insert(1);
    commit(&db, vec![next]);
    assert!(answer(next_answer).is_ok());
}
