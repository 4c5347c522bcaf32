//! What the one server of a database knows of new sessions is what the database says.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
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

    async fn register(&self, session: &NewSession, now: Timestamp) -> Vec<NewFile> {
        let files: Vec<_> = session
            .files
            .iter()
            .map(|file| new_file(&session.user_id, session.id, file.clone()))
            .collect();
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

    let complete = CompleteFile {
        session_id: session.id,
        file_id: first.id,
        etag: ETag::parse("whole"),
        parts: Vec::new(),
        file_url: "https://files.test/a".to_owned(),
        now: NOW + 60 * MINUTE,
        extension: EXTENSION,
    };
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
    let restart = RestartUpload {
        session_id: session.id,
        file_id: files[0].id,
        from: files[0].upload.id.clone(),
        to: UploadId("another".to_owned()),
        now: later,
    };
    assert!(server.restart_upload(restart).await.unwrap());
    assert_eq!(database.knows(&session, &files[0]).await, [false, false]);

    let (session, files) = database.started().await;
    let held = HeldPart {
        part: Part {
            part_number: 1,
            etag: ETag::parse("held"),
            size_bytes: 4,
            uploaded_at: later,
        },
        recorded: None,
    };
    let record = RecordHeldParts {
        session_id: session.id,
        file_id: files[0].id,
        upload_id: files[0].upload.id.clone(),
        parts: vec![held],
        now: later,
    };
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

#[tokio::test]
async fn of_many_sessions_the_newest_are_known() {
    let database = Database::new().await;
    let (first, files) = database.started().await;
    // Of each its two files and itself count.
    for _ in 0..3 {
        join_all((0..683).map(|_| database.create())).await;
    }
    assert_eq!(database.knows(&first, &files[0]).await, [false, false]);
    let (last, files) = database.started().await;
    assert_eq!(database.knows(&last, &files[0]).await, [true, true]);
}
