//! A request that waited for a session sees what was done meanwhile, in every table.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::io::Write;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::Arc;
use std::time::Duration;

use moc_uploads_core::part::{ETag, PartReceipt};
use moc_uploads_core::ports::*;
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_testkit::builders::{EXTENSION, MINUTE, instruction, new_file, new_session, user};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::postgres::Database;

mod common;

const HANGING: Duration = Duration::from_secs(30);

/// Somebody in a transaction who holds the session.
struct Holder {
    process: Child,
    script: ChildStdin,
}

impl Holder {
    /// Runs this, too, and does not commit.
    fn start(database: &Database, session: &NewSession, sql: &str) -> Self {
        let mut process = database
            .psql_command()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut script = process.stdin.take().unwrap();
        writeln!(
            script,
            "BEGIN; SELECT 1 FROM upload_sessions WHERE id = '{}' FOR UPDATE; {sql}; \
             SELECT pg_advisory_lock(1);",
            session.id
        )
        .unwrap();
        wait_for(database, "locktype = 'advisory'");
        Self { process, script }
    }

    /// Commits when somebody waits for it.
    fn finish_when_waited_for(mut self, database: &Database) {
        wait_for(database, "NOT granted");
        writeln!(self.script, "COMMIT;").unwrap();
        drop(self.script);
        assert!(self.process.wait().unwrap().success());
    }
}

fn wait_for(database: &Database, condition: &str) {
    let count = format!(
        "SELECT count(*) FROM pg_locks WHERE {condition} AND pid IN \
         (SELECT pid FROM pg_stat_activity WHERE datname = current_database())"
    );
    while database.psql(&count) == "0" {
        std::thread::yield_now();
    }
}

/// What `call` returns that waits while `sql` is done.
async fn behind<T>(
    database: &Arc<Database>,
    session: &NewSession,
    sql: &str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> T {
    let holder = Holder::start(database, session, sql);
    let database = database.clone();
    let finished = tokio::task::spawn_blocking(move || holder.finish_when_waited_for(&database));
    let (answer, finished) = tokio::time::timeout(HANGING, async { tokio::join!(call, finished) })
        .await
        .unwrap();
    finished.unwrap();
    answer.unwrap()
}

/// An active session with a database of its own.
async fn fixture() -> Option<(Arc<Database>, PostgresStore, NewSession)> {
    let database = Arc::new(common::migrated().await?);
    let store = common::open(&database.url());
    let session = new_session(&user("alice"), vec![], ManualClock::START);
    store.create_session(session.clone()).await.unwrap();
    Some((database, store, session))
}

fn registration(session: &NewSession, key: &str) -> RegisterFiles {
    let file = new_file(&session.user_id, session.id, instruction(key, 8));
    RegisterFiles {
        session_id: session.id,
        files: vec![file],
        max_file_count: Some(1),
        now: session.created_at,
        extension: EXTENSION,
        finalize_lock_ttl: MINUTE,
    }
}

fn insert_file(session: &NewSession, key: &str) -> String {
    format!(
        "INSERT INTO upload_session_files (session_id, user_id, file_key, file_size_bytes, \
         object_key, upload_id) VALUES ('{}', '{}', '{key}', 8, 'test/{key}', 'upload')",
        session.id, session.user_id
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_registered_meanwhile_counts() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let sql = insert_file(&session, "a");
    for (key, expected) in [
        ("b", RegisterFileOutcome::FileCountExceeded),
        ("a", RegisterFileOutcome::KeyTaken),
    ] {
        database.psql("DELETE FROM upload_session_files");
        let register = store.register_files(registration(&session, key));
        let activity = behind(&database, &session, &sql, register).await;
        let Activity::Done { outcome, .. } = activity else {
            panic!("refused: {activity:?}");
        };
        assert_eq!(outcome, [expected]);
    }
}

/// Whatever isolation the database is set to: waiting for a lock is no failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_extended_meanwhile_takes_files() {
    let Some((database, _, session)) = fixture().await else {
        return;
    };
    database.psql(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = \
         serializable', current_database()); END $$",
    );
    let sql = "UPDATE upload_sessions SET expires_at = expires_at + interval '1 minute'";
    for prepared_statements in [true, false] {
        let store = common::open_with(PostgresOptions {
            prepared_statements,
            ..common::options(&database.url())
        });
        let key = prepared_statements.to_string();
        let mut register = registration(&session, &key);
        register.max_file_count = None;
        let register = store.register_files(register);
        let activity = behind(&database, &session, sql, register).await;
        let Activity::Done { outcome, .. } = activity else {
            panic!("refused: {activity:?}");
        };
        assert_eq!(outcome, [RegisterFileOutcome::Registered]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_registered_meanwhile_is_finalized_with_the_rest() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let sql = insert_file(&session, "a");
    let begin = store.begin_finalize(
        session.id,
        &session.user_id,
        session.created_at,
        MINUTE,
        MINUTE,
    );
    let outcome = behind(&database, &session, &sql, begin).await;
    let BeginFinalizeOutcome::Locked { files, .. } = outcome else {
        panic!("not locked: {outcome:?}");
    };
    assert_eq!(files.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_registered_meanwhile_is_cancelled_with_the_rest() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let sql = insert_file(&session, "a");
    let cancel = store.cancel_session(session.id, &session.user_id, session.created_at, MINUTE);
    let outcome = behind(&database, &session, &sql, cancel).await;
    let CancelSessionOutcome::Cancelled(ended) = outcome else {
        panic!("not cancelled: {outcome:?}");
    };
    assert_eq!(ended.uploads.len(), 1);
    assert_eq!(
        database.psql("SELECT status FROM upload_session_files"),
        "failed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_finalized_meanwhile_is_answered_with_its_moc() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let sql = format!(
        "WITH moc AS (
           INSERT INTO moc_instructions (user_id, title, slug, pdf_key)
           VALUES ('{}', 'Castle', 'castle', 'test/a.pdf') RETURNING id
         )
         UPDATE upload_sessions AS s SET status = 'completed', moc_id = moc.id FROM moc
         WHERE s.id = '{}'",
        session.user_id, session.id
    );
    let begin = store.begin_finalize(
        session.id,
        &session.user_id,
        session.created_at,
        MINUTE,
        MINUTE,
    );
    let outcome = behind(&database, &session, &sql, begin).await;
    let BeginFinalizeOutcome::AlreadyFinalized(moc) = outcome else {
        panic!("not finalized: {outcome:?}");
    };
    assert_eq!(moc.slug, "castle");
}

async fn registered(store: &PostgresStore, session: &NewSession) -> NewFile {
    let mut register = registration(session, "a");
    store.register_files(register.clone()).await.unwrap();
    register.files.remove(0)
}

fn part_of(session: &NewSession, file: &NewFile) -> RecordPart {
    RecordPart {
        session_id: session.id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        part_number: 1,
        etag: ETag::parse("joined"),
        size_bytes: 8,
        now: session.created_at,
        extension: EXTENSION,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_recorded_meanwhile_is_forgotten_with_its_upload() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let file = registered(&store, &session).await;
    let sql = format!(
        "INSERT INTO upload_session_parts (file_id, part_number, etag, size_bytes) \
         VALUES ('{}', 1, 'late', 8)",
        file.id
    );
    let restart = RestartUpload {
        session_id: session.id,
        file_id: file.id,
        from: file.upload.id.clone(),
        to: UploadId("second".to_owned()),
        now: session.created_at,
    };
    assert!(behind(&database, &session, &sql, store.restart_upload(restart)).await);
    let count = "SELECT count(*) FROM upload_session_parts";
    assert_eq!(database.psql(count), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_an_upload_that_was_begun_anew_meanwhile_does_not_count() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let file = registered(&store, &session).await;
    let sql = "UPDATE upload_session_files SET upload_id = 'second'";
    let record = store.record_part(part_of(&session, &file));
    let activity = behind(&database, &session, sql, record).await;
    let refused = Activity::Done {
        outcome: RecordPartOutcome::NoSuchUpload,
        extension: None,
    };
    assert_eq!(activity, refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_recorded_meanwhile_is_put_back_and_a_completed_file_takes_none() {
    let Some((database, store, session)) = fixture().await else {
        return;
    };
    let file = registered(&store, &session).await;
    let file_id = file.id;
    let part = part_of(&session, &file);
    store.record_part(part.clone()).await.unwrap();
    let complete = CompleteFile {
        session_id: session.id,
        file_id,
        etag: ETag::parse("whole"),
        parts: vec![PartReceipt {
            part_number: 1,
            etag: part.etag.clone(),
        }],
        file_url: "https://files.test/a".to_owned(),
        now: session.created_at,
        extension: EXTENSION,
    };
    let sql = "UPDATE upload_session_parts SET etag = 'late'";
    let activity = behind(&database, &session, sql, store.complete_file(complete)).await;
    assert!(matches!(activity, Activity::Done { .. }), "{activity:?}");
    let etag = "SELECT etag FROM upload_session_parts";
    assert_eq!(database.psql(etag), "joined");

    database.psql("UPDATE upload_session_files SET status = 'uploading'");
    let sql = "UPDATE upload_session_files SET status = 'completed'";
    let activity = behind(&database, &session, sql, store.record_part(part)).await;
    let refused = Activity::Done {
        outcome: RecordPartOutcome::FileCompleted,
        extension: None,
    };
    assert_eq!(activity, refused);
}
