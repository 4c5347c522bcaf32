//! The database file: opening, migrating, closing, surviving.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{
    BeginFinalizeOutcome, CreateSessionOutcome, SessionStore, StoreError,
};
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::builders::{instruction, new_session, user};
use moc_uploads_testkit::clock::ManualClock;
use tokio::task::JoinSet;

fn new_database() -> (PathBuf, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (folder.path().join("data").join("test.db"), folder)
}

async fn open(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn create(store: &SqliteStore) -> Result<SessionId, StoreError> {
    let files = vec![instruction("a", 1)];
    let session = new_session(&user("alice"), files, ManualClock::START);
    let id = session.id;
    let outcome = store.create_session(session).await?;
    assert_eq!(outcome, CreateSessionOutcome::Created);
    Ok(id)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_may_open_and_migrate_a_new_file_at_once() {
    let (path, _folder) = new_database();
    let mut stores = JoinSet::new();
    for _ in 0..8 {
        let path = path.clone();
        stores.spawn(async move { open(&path).await });
    }
    let stores = stores.join_all().await;
    for store in &stores {
        store.migrate().await.unwrap();
        create(store).await.unwrap();
    }
}

#[tokio::test]
async fn migrating_a_database_in_use_keeps_what_is_in_it() {
    let (path, _folder) = new_database();
    let store = open(&path).await;
    let id = create(&store).await.unwrap();
    store.migrate().await.unwrap();
    let again = open(&path).await;
    assert!(again.declared_session(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let (path, _folder) = new_database();
    let store = open(&path).await;
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'x', 'x')",
            [],
        )
        .unwrap();
    let error = store.migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::Internal(_)));
    assert!(error.to_string().contains("start a newer program"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let (path, folder) = new_database();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "no database ".repeat(1000)).unwrap();
    assert!(SqliteStore::open(&path).await.is_err());
    assert!(SqliteStore::open(folder.path()).await.is_err());
}

#[tokio::test]
async fn closing_finishes_what_was_asked_for_and_refuses_the_rest() {
    let (path, _folder) = new_database();
    let store = open(&path).await;
    // Polled in this order: all are queued when the close comes.
    let creates = join_all((0..30).map(|_| create(&store)));
    let (created, ()) = tokio::join!(biased; creates, store.close());
    assert!(matches!(
        create(&store).await,
        Err(StoreError::Unavailable(_))
    ));
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));
    store.close().await;

    let store = open(&path).await;
    for id in created {
        let session = store.declared_session(id.unwrap()).await.unwrap();
        assert!(session.is_some());
    }
}

/// Not a test: the process that is killed below. Creates sessions, and says so, until then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by another test, which kills it"]
async fn child_that_creates_sessions() {
    let mut path = String::new();
    if std::io::stdin().read_line(&mut path).unwrap() == 0 {
        return;
    }
    let store = Arc::new(open(Path::new(path.trim())).await);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            loop {
                let id = create(&store).await.unwrap();
                // One write: a line of another task must not come between.
                let line = format!("\ncreated {id}\n");
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    tasks.join_all().await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let (path, _folder) = new_database();
    let mut acknowledged = Vec::new();
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_creates_sessions", "--ignored"])
            .arg("--nocapture")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", path.display()).unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines {
            // The last line may be cut off by the kill.
            if let Some(id) = line.unwrap().strip_prefix("created ")
                && let Ok(id) = id.parse::<SessionId>()
            {
                acknowledged.push(id);
            }
            if acknowledged.len() == round * 100 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(acknowledged.len() >= round * 100);
    }
    let store = open(&path).await;
    for id in acknowledged {
        let session = store.declared_session(id).await.unwrap();
        assert!(session.is_some(), "{id} is gone");
    }
}

/// As an operator may lock one, or a server that knows of no leases: nobody renews such a lock.
#[tokio::test]
async fn a_lock_that_was_put_there_by_hand_holds_for_its_time() {
    let (path, _folder) = new_database();
    let store = open(&path).await;
    let session = new_session(&user("alice"), vec![], ManualClock::START);
    store.create_session(session.clone()).await.unwrap();
    let ttl = Duration::from_secs(60);
    let locked_at = ManualClock::START;
    let database = rusqlite::Connection::open(&path).unwrap();
    let lock = "UPDATE upload_sessions SET finalizing_at = ?1";
    database.execute(lock, [locked_at.unix_ms()]).unwrap();
    let begin = async |now| {
        let begin = store.begin_finalize(session.id, &session.user_id, now, ttl, ttl);
        begin.await.unwrap()
    };
    let last = locked_at + ttl - Duration::from_millis(1);
    assert_eq!(begin(last).await, BeginFinalizeOutcome::InProgress);
    let outcome = begin(locked_at + ttl).await;
    assert!(matches!(outcome, BeginFinalizeOutcome::Locked { .. }));
}
