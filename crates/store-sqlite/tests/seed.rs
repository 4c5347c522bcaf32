//! The rows of the seed document.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;

use moc_uploads_core::file::FileMetadata;
use moc_uploads_core::finalize::{MocDraft, NewMoc};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{
    Activity, CommitFinalizeOutcome, CreateSessionOutcome, RegisterFileOutcome, RegisterFiles,
    SessionStore,
};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::builders::{
    EXTENSION, MINUTE, file_id, instruction, moc_id, new_file, new_session,
};
use moc_uploads_testkit::clock::ManualClock;

const NOW: Timestamp = ManualClock::START;
const COMPLETED: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const NEAR_EXPIRY: &str = "99999999-9999-9999-9999-999999999999";

async fn seeded(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open(folder.join("test.db")).await.unwrap();
    store.migrate().await.unwrap();
    store.seed(NOW).await.unwrap();
    store
}

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

fn developer() -> UserId {
    UserId::new("dev-user-00000000-0000-0000-0000-000000000001")
}

fn registration(file: FileMetadata) -> RegisterFiles {
    RegisterFiles {
        session_id: id(NEAR_EXPIRY),
        files: vec![new_file(&developer(), id(NEAR_EXPIRY), file)],
        max_file_count: None,
        now: NOW,
        extension: EXTENSION,
        finalize_lock_ttl: MINUTE,
    }
}

#[tokio::test]
async fn the_rows_are_those_of_the_document() {
    let folder = tempfile::tempdir().unwrap();
    let store = seeded(folder.path()).await;

    let completed = store.session_detail(id(COMPLETED)).await.unwrap().unwrap();
    let session = &completed.summary.session;
    assert_eq!(session.user_id, developer());
    assert_eq!(session.stored_status, SessionStatus::Completed);
    assert_eq!(session.expires_at, NOW + 15 * MINUTE);
    assert_eq!(completed.summary.file_count, 1);
    assert_eq!(completed.summary.bytes_total, 5_000_000);
    assert_eq!(completed.summary.bytes_received, 5_000_000);
    let file = &completed.files[0].file;
    assert_eq!(file.metadata.key, "test-duplicate.pdf");
    assert_eq!(file.metadata.name, "test-duplicate.pdf");
    assert_eq!(
        file.file_url.as_deref(),
        Some("s3://bucket/test-duplicate.pdf")
    );

    let near = store.declared_session(id(NEAR_EXPIRY)).await.unwrap();
    let near = near.unwrap();
    assert_eq!(near.declared, None);
    assert_eq!(near.session.stored_status, SessionStatus::Active);
    assert_eq!(near.session.expires_at, NOW + 5 * MINUTE);
    assert_eq!(near.session.created_at, NOW - 25 * MINUTE);

    let db = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
    let events: Vec<(String, i64)> = db
        .prepare("SELECT event_type, created_at FROM upload_session_analytics ORDER BY created_at")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let at = |minutes: u32| (NOW - minutes * MINUTE).unix_ms();
    assert_eq!(
        events,
        [
            ("session_created".to_owned(), at(30)),
            ("file_completed".to_owned(), at(25)),
            ("session_finalized".to_owned(), at(20)),
        ]
    );
}

#[tokio::test]
async fn the_completed_file_is_a_duplicate() {
    let folder = tempfile::tempdir().unwrap();
    let store = seeded(folder.path()).await;
    let seeded = store.session_detail(id(COMPLETED)).await.unwrap().unwrap();
    let mut file = instruction("castle.pdf", 5_000_000);
    file.hash = seeded.files[0].file.metadata.hash.clone();
    assert!(file.hash.is_some());
    let session = new_session(&developer(), vec![file], NOW);
    let outcome = store.create_session(session).await.unwrap();
    let CreateSessionOutcome::Duplicates(duplicates) = outcome else {
        panic!("no duplicate: {outcome:?}");
    };
    assert_eq!(duplicates[0].existing_url, "s3://bucket/test-duplicate.pdf");
}

#[tokio::test]
async fn seeding_again_restores_the_rows_relative_to_now() {
    let folder = tempfile::tempdir().unwrap();
    let store = seeded(folder.path()).await;
    let register = store.register_files(registration(instruction("a", 1)));
    let Activity::Done { outcome, extension } = register.await.unwrap() else {
        panic!("not registered");
    };
    assert_eq!(outcome, [RegisterFileOutcome::Registered]);
    assert!(extension.is_some());
    let near = store.session_detail(id(NEAR_EXPIRY)).await.unwrap();
    assert_eq!(near.unwrap().summary.file_count, 1);

    let later = NOW + 600 * MINUTE;
    store.seed(later).await.unwrap();
    let near = store.session_detail(id(NEAR_EXPIRY)).await.unwrap();
    let near = near.unwrap();
    assert_eq!(near.summary.session.expires_at, later + 5 * MINUTE);
    assert_eq!(near.files, []);
    let completed = store.session_detail(id(COMPLETED)).await.unwrap();
    assert_eq!(completed.unwrap().files.len(), 1);
}

#[tokio::test]
async fn a_seeded_session_can_be_finalized_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = seeded(folder.path()).await;
    for title in ["Castle", "Tower"] {
        store.seed(NOW).await.unwrap();
        store
            .begin_finalize(id(NEAR_EXPIRY), &developer(), NOW, MINUTE, MINUTE)
            .await
            .unwrap();
        let moc = NewMoc {
            id: moc_id(),
            session_id: id(NEAR_EXPIRY),
            user_id: developer(),
            draft: MocDraft {
                title: title.to_owned(),
                description: None,
                tags: vec![],
                theme: None,
            },
            files: vec![],
            pdf_key: format!("test/{}.pdf", file_id()),
            image_keys: vec![],
            parts_keys: vec![],
            thumbnail_url: None,
            created_at: NOW,
        };
        let outcome = store.commit_finalize(moc, NOW).await.unwrap();
        assert!(
            matches!(outcome, CommitFinalizeOutcome::Created(_)),
            "{outcome:?}"
        );
    }
}

/// The document has a session whose id is no UUID, which no reader of its table could do with.
#[tokio::test]
async fn a_row_whose_id_is_no_uuid_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(seeded(folder.path()).await);
    let db = rusqlite::Connection::open(folder.path().join("test.db")).unwrap();
    // As a shell has them.
    db.pragma_update(None, "foreign_keys", false).unwrap();
    for id in [
        "gggggggg-gggg-gggg-gggg-gggggggggggg",
        "BBBBBBBB-BBBB-BBBB-BBBB-BBBBBBBBBBBB",
        "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "",
    ] {
        for sql in [
            "INSERT INTO upload_sessions (id, user_id, expires_at) VALUES (?1, 'alice', 0)",
            "UPDATE upload_sessions SET id = ?1",
            "INSERT INTO upload_session_files (id, session_id, user_id, file_key, file_size_bytes)
             SELECT ?1, id, 'alice', 'castle.pdf', 1 FROM upload_sessions LIMIT 1",
            "UPDATE upload_session_files SET id = ?1",
            "INSERT INTO upload_session_analytics (event_id, session_id, event_type)
             VALUES (hex(randomblob(16)), ?1, 'session_created')",
            "UPDATE upload_session_analytics SET session_id = ?1",
        ] {
            let refused = db.execute(sql, [id]).unwrap_err().to_string();
            assert!(
                refused.ends_with("must be a UUID in lower case"),
                "{refused}"
            );
        }
    }
}
