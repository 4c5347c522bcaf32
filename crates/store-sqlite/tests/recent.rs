//! What the one server of a database knows of new sessions is what the database says.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::time::Duration;

use futures_util::FutureExt;
use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{
    Activity, CompleteFile, CompleteFileOutcome, HeldPart, NewFile, NewSession, RecordHeldParts,
    RecordPart, RecordPartOutcome, RegisterFiles, RestartUpload, SessionStore, UploadId,
};
use moc_uploads_core::time::Timestamp;
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::builders::{
    EXTENSION, MINUTE, PART_SIZE_BYTES, image, instruction, new_file, new_session, user,
};
use moc_uploads_testkit::clock::ManualClock;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use rusqlite::Connection;

const NOW: Timestamp = ManualClock::START;
const TTL: Duration = Duration::from_secs(60);

/// The server, and a store that always asks.
struct Database {
    server: SqliteStore,
    asking: SqliteStore,
    raw: Connection,
    _folder: tempfile::TempDir,
}

impl Database {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.db");
        let server = SqliteStore::open(&path).await.unwrap();
        server.migrate().await.unwrap();
        server.take_over().await.unwrap();
        Self {
            server,
            asking: SqliteStore::open(&path).await.unwrap(),
            raw: Connection::open(&path).unwrap(),
            _folder: folder,
        }
    }

    async fn create(&self) -> NewSession {
        let files = vec![instruction("a", 2 * PART_SIZE_BYTES), image("b", 4)];
        let session = new_session(&user("alice"), files, NOW);
        self.server.create_session(session.clone()).await.unwrap();
        session
    }

    /// Registers what was declared.
    async fn register(&self, session: &NewSession, now: Timestamp) -> Vec<NewFile> {
        let files = files_of(session);
        let register = RegisterFiles {
            session_id: session.id,
            files: files.clone(),
            max_file_count: Some(files.len()),
            now,
            extension: EXTENSION,
            finalize_lock_ttl: TTL,
        };
        let activity = self.server.register_files(register).await.unwrap();
        assert!(matches!(activity, Activity::Done { .. }));
        files
    }

    /// A session whose files are registered and known.
    async fn started(&self) -> (NewSession, Vec<NewFile>) {
        let session = self.create().await;
        let files = self.register(&session, NOW).await;
        assert_eq!(self.knows(&session, &files[0]).await, [true, true]);
        (session, files)
    }

    async fn record(&self, part: RecordPart) -> RecordPartOutcome {
        match self.server.record_part(part).await.unwrap() {
            Activity::Done { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Whether the server answers for the session, and for the file, without asking. What it answers
    /// is what the database says in any case.
    async fn knows(&self, session: &NewSession, file: &NewFile) -> [bool; 2] {
        let looked = look(&self.server, session.id, file.id).await;
        assert_eq!(looked, look(&self.asking, session.id, file.id).await);
        self.rename(session, "somebody-else");
        let looked_again = look(&self.server, session.id, file.id).await;
        self.rename(session, session.user_id.as_str());
        let [known_session, known_target, known_parts] =
            [0, 1, 2].map(|index| looked_again[index] == looked[index]);
        assert_eq!(known_target, known_parts);
        [known_session, known_target]
    }

    fn rename(&self, session: &NewSession, user_id: &str) {
        let rename = "UPDATE upload_sessions SET user_id = ?2 WHERE id = ?1";
        let id = session.id.to_string();
        assert_eq!(self.raw.execute(rename, (id, user_id)).unwrap(), 1);
    }
}

/// What was declared, to be registered.
fn files_of(session: &NewSession) -> Vec<NewFile> {
    let files = session.files.iter();
    files
        .map(|file| new_file(&session.user_id, session.id, file.clone()))
        .collect()
}

/// All that requests begin with.
async fn look(store: &SqliteStore, session_id: SessionId, file_id: FileId) -> [String; 3] {
    let session = store.declared_session(session_id).await.unwrap();
    let mut targets = Vec::new();
    for part_number in 1..=2 {
        let target = store.part_target(session_id, file_id, part_number);
        targets.push(target.await.unwrap());
    }
    let parts = store.completion_target(session_id, file_id).await.unwrap();
    [
        format!("{session:#?}"),
        format!("{targets:#?}"),
        format!("{parts:#?}"),
    ]
}

fn part(session: &NewSession, file: &NewFile, part_number: u32, etag: &str) -> RecordPart {
    RecordPart {
        session_id: session.id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        part_number,
        etag: ETag::parse(etag),
        size_bytes: 4,
        now: NOW + Duration::from_secs(u64::from(part_number)),
        extension: EXTENSION,
    }
}

fn held(session: &NewSession, file: &NewFile) -> RecordHeldParts {
    let held = HeldPart {
        part: Part {
            part_number: 1,
            etag: ETag::parse("held"),
            size_bytes: 4,
            uploaded_at: NOW + MINUTE,
        },
        recorded: None,
    };
    RecordHeldParts {
        session_id: session.id,
        file_id: file.id,
        upload_id: file.upload.id.clone(),
        parts: vec![held],
        now: NOW + MINUTE,
    }
}

fn completion(session: &NewSession, file: &NewFile, now: Timestamp) -> CompleteFile {
    CompleteFile {
        session_id: session.id,
        file_id: file.id,
        etag: ETag::parse("whole"),
        parts: Vec::new(),
        file_url: "https://files.test/a".to_owned(),
        now,
        extension: EXTENSION,
    }
}

fn restart(session: &NewSession, file: &NewFile) -> RestartUpload {
    RestartUpload {
        session_id: session.id,
        file_id: file.id,
        from: file.upload.id.clone(),
        to: UploadId("another".to_owned()),
        now: NOW + MINUTE,
    }
}

#[tokio::test]
async fn what_is_written_step_by_step_is_known_as_it_is_stored() {
    let database = Database::new().await;
    let session = database.create().await;
    // Near its end, so that this extends it.
    let files = database.register(&session, NOW + 10 * MINUTE).await;
    let [first, second] = files.as_slice() else {
        panic!("{files:?}");
    };
    let known = async || {
        for file in [first, second] {
            assert_eq!(database.knows(&session, file).await, [true, true]);
        }
    };
    known().await;
    for (file, part_number, etag) in [
        (first, 2, "a"),
        (first, 1, "b"),
        (first, 2, "c"),
        (second, 1, "d"),
    ] {
        let outcome = database
            .record(part(&session, file, part_number, etag))
            .await;
        assert_eq!(outcome, RecordPartOutcome::Recorded);
        known().await;
    }
    // Extends it again.
    let late = RecordPart {
        now: NOW + 35 * MINUTE,
        ..part(&session, second, 1, "e")
    };
    database.record(late).await;
    known().await;

    let complete = completion(&session, first, NOW + 60 * MINUTE);
    let activity = database.server.complete_file(complete).await.unwrap();
    assert!(matches!(
        activity,
        Activity::Done {
            outcome: CompleteFileOutcome::Completed,
            extension: Some(_)
        }
    ));
    assert_eq!(database.knows(&session, first).await, [true, false]);
    assert_eq!(database.knows(&session, second).await, [true, true]);
    // When all are, there is nothing left to know.
    let complete = completion(&session, second, NOW + 60 * MINUTE);
    database.server.complete_file(complete).await.unwrap();
    assert_eq!(database.knows(&session, second).await, [false, false]);
}

#[tokio::test]
async fn a_session_is_forgotten_when_anything_else_happens_to_it() {
    let database = Database::new().await;
    let server = &database.server;
    let later = NOW + MINUTE;

    let (session, files) = database.started().await;
    let cancel = server.cancel_session(session.id, &session.user_id, later, TTL);
    cancel.await.unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let begin = server.begin_finalize(session.id, &session.user_id, later, TTL, TTL);
    begin.await.unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let restarted = server.restart_upload(restart(&session, &files[0])).await;
    assert!(restarted.unwrap());
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let record = held(&session, &files[0]);
    server.record_held_parts(record).await.unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let of_another_upload = RecordPart {
        upload_id: UploadId("another".to_owned()),
        ..part(&session, &files[0], 1, "a")
    };
    let outcome = database.record(of_another_upload).await;
    assert_eq!(outcome, RecordPartOutcome::NoSuchUpload);
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    server
        .expire_sessions(session.expires_at, TTL, 100)
        .await
        .unwrap();
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);
}

#[tokio::test]
async fn a_session_is_forgotten_when_a_change_of_it_fails() {
    let database = Database::new().await;
    let (session, files) = database.started().await;
    let rename = |from: &str, to: &str| {
        let rename = format!("ALTER TABLE {from} RENAME TO {to}");
        database.raw.execute_batch(&rename).unwrap();
    };
    rename("upload_session_parts", "hidden");
    let failed = database
        .server
        .record_part(part(&session, &files[0], 1, "a"))
        .await;
    rename("hidden", "upload_session_parts");
    assert!(failed.is_err());
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);
}

/// A client that goes away takes its request with it, but not what was asked of the database.
#[tokio::test]
async fn a_change_that_nobody_waits_for_is_known_too() {
    let database = Database::new().await;
    let (session, files) = database.started().await;
    let record = database
        .server
        .record_part(part(&session, &files[0], 1, "a"));
    assert!(record.now_or_never().is_none());
    // Answered after what was asked for before.
    database.create().await;
    assert_eq!(database.knows(&session, &files[0]).await, [true, true]);
    let target = database
        .server
        .part_target(session.id, files[0].id, 1)
        .await
        .unwrap();
    assert!(target.unwrap().is_recorded);
}

/// What can happen to a session, the time it takes, and to which file.
#[derive(Debug, Clone)]
enum Step {
    Register {
        with: Vec<usize>,
        max_file_count: usize,
    },
    Record {
        part_number: u32,
        etag: &'static str,
    },
    RecordHeld,
    Complete,
    Restart,
    Extend,
    Finalize,
    Cancel,
    Expire,
}

fn step() -> impl Strategy<Value = (Step, usize)> {
    let register =
        (vec(0..3_usize, 1..3), 0..3_usize).prop_map(|(with, max_file_count)| Step::Register {
            with,
            max_file_count,
        });
    let record = (1..3_u32, select(vec!["a", "b"]))
        .prop_map(|(part_number, etag)| Step::Record { part_number, etag });
    let step = prop_oneof![
        4 => register,
        8 => record,
        3 => Just(Step::Complete),
        2 => Just(Step::Extend),
        1 => Just(Step::RecordHeld),
        1 => Just(Step::Restart),
        1 => Just(Step::Finalize),
        1 => Just(Step::Cancel),
        1 => Just(Step::Expire),
    ];
    (step, 0..3_usize)
}

/// Whatever came of it: what is refused is not to change what is known.
async fn take(
    server: &SqliteStore,
    session: &NewSession,
    files: &[NewFile],
    step: Step,
    file: &NewFile,
) {
    let now = NOW + MINUTE;
    let record = |part_number, etag, now| RecordPart {
        now,
        ..part(session, file, part_number, etag)
    };
    match step {
        Step::Register {
            with,
            max_file_count,
        } => {
            let register = RegisterFiles {
                session_id: session.id,
                files: with.iter().map(|index| files[*index].clone()).collect(),
                max_file_count: Some(max_file_count),
                now,
                extension: EXTENSION,
                finalize_lock_ttl: TTL,
            };
            // One id twice is an error.
            drop(server.register_files(register).await);
        }
        Step::Record { part_number, etag } => {
            server
                .record_part(record(part_number, etag, now))
                .await
                .unwrap();
        }
        // Less than ten minutes before the session ends.
        Step::Extend => {
            server
                .record_part(record(1, "c", NOW + 10 * MINUTE))
                .await
                .unwrap();
        }
        Step::RecordHeld => {
            server.record_held_parts(held(session, file)).await.unwrap();
        }
        Step::Complete => {
            server
                .complete_file(completion(session, file, now))
                .await
                .unwrap();
        }
        Step::Restart => {
            server.restart_upload(restart(session, file)).await.unwrap();
        }
        Step::Finalize => {
            let begin = server.begin_finalize(session.id, &session.user_id, now, TTL, TTL);
            begin.await.unwrap();
            server
                .release_finalize(session.id, now, None, now)
                .await
                .unwrap();
        }
        Step::Cancel => {
            let cancel = server.cancel_session(session.id, &session.user_id, now, TTL);
            cancel.await.unwrap();
        }
        Step::Expire => {
            server
                .expire_sessions(session.expires_at, TTL, 100)
                .await
                .unwrap();
        }
    }
}

#[test]
fn whatever_happens_to_a_session_what_is_known_is_what_is_stored() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(Database::new());
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let happens = runner.run(&vec(step(), 1..12), |steps| {
        runtime.block_on(async {
            let session = database.create().await;
            // Two that are declared, and another under the first one's key.
            let files = [files_of(&session), files_of(&session)].concat();
            for (step, file) in steps {
                take(&database.server, &session, &files, step, &files[file]).await;
                for file in &files[..3] {
                    database.knows(&session, file).await;
                }
            }
        });
        Ok(())
    });
    happens.unwrap();
}
