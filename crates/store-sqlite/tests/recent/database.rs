//! A database with its server, and what is asked of it.

use std::time::Duration;

use moc_uploads_core::ids::{FileId, SessionId};
use moc_uploads_core::part::{ETag, Part};
use moc_uploads_core::ports::{
    Activity, HeldPart, NewFile, NewSession, RecordHeldParts, RecordPart, RecordPartOutcome,
    RegisterFiles, RestartUpload, SessionStore, UploadId,
};
use moc_uploads_core::time::Timestamp;
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::builders::{
    EXTENSION, MINUTE, PART_SIZE_BYTES, image, instruction, new_file, new_session, user,
};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::session_store::fixture;
use rusqlite::Connection;

pub(crate) const NOW: Timestamp = ManualClock::START;
pub(crate) const TTL: Duration = Duration::from_secs(60);

/// The server, and a store that always asks.
pub(crate) struct Database {
    pub(crate) server: SqliteStore,
    pub(crate) asking: SqliteStore,
    pub(crate) raw: Connection,
    _folder: tempfile::TempDir,
}

impl Database {
    pub(crate) async fn new() -> Self {
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

    pub(crate) async fn create(&self) -> NewSession {
        let files = vec![instruction("a", 2 * PART_SIZE_BYTES), image("b", 4)];
        let session = new_session(&user("alice"), files, NOW);
        self.server.create_session(session.clone()).await.unwrap();
        session
    }

    /// Registers what was declared.
    pub(crate) async fn register(&self, session: &NewSession, now: Timestamp) -> Vec<NewFile> {
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
    pub(crate) async fn started(&self) -> (NewSession, Vec<NewFile>) {
        let session = self.create().await;
        let files = self.register(&session, NOW).await;
        assert_eq!(self.knows(&session, &files[0]).await, [true, true]);
        (session, files)
    }

    pub(crate) async fn record(&self, part: RecordPart) -> RecordPartOutcome {
        match self.server.record_part(part).await.unwrap() {
            Activity::Done { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }

    /// Whether the server answers for the session, and for the file, without asking. What it answers
    /// is what the database says in any case.
    pub(crate) async fn knows(&self, session: &NewSession, file: &NewFile) -> [bool; 2] {
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

    pub(crate) fn rename(&self, session: &NewSession, user_id: &str) {
        let rename = "UPDATE upload_sessions SET user_id = ?2 WHERE id = ?1";
        let id = session.id.to_string();
        assert_eq!(self.raw.execute(rename, (id, user_id)).unwrap(), 1);
    }
}

/// What was declared, to be registered.
pub(crate) fn files_of(session: &NewSession) -> Vec<NewFile> {
    let files = session.files.iter();
    files
        .map(|file| new_file(&session.user_id, session.id, file.clone()))
        .collect()
}

/// All that requests begin with.
pub(crate) async fn look(
    store: &SqliteStore,
    session_id: SessionId,
    file_id: FileId,
) -> [String; 3] {
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

pub(crate) fn part(
    session: &NewSession,
    file: &NewFile,
    part_number: u32,
    etag: &str,
) -> RecordPart {
    let now = NOW + Duration::from_secs(u64::from(part_number));
    RecordPart {
        etag: ETag::parse(etag),
        ..fixture::part(session, file, part_number, now)
    }
}

pub(crate) fn held(session: &NewSession, file: &NewFile) -> RecordHeldParts {
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

pub(crate) fn restart(session: &NewSession, file: &NewFile) -> RestartUpload {
    RestartUpload {
        session_id: session.id,
        file_id: file.id,
        from: file.upload.id.clone(),
        to: UploadId("another".to_owned()),
        now: NOW + MINUTE,
    }
}
