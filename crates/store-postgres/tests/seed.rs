//! The rows of the seed document 01723: as it writes them, and as the store loads them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;

use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{
    Activity, CreateSessionOutcome, RegisterFileOutcome, RegisterFiles, SessionStore,
};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_testkit::builders::{EXTENSION, MINUTE, instruction, new_file, new_session};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::postgres::Database;

mod common;

const NOW: Timestamp = ManualClock::START;
const COMPLETED: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";
const NEAR_EXPIRY: &str = "99999999-9999-9999-9999-999999999999";

fn id(text: &str) -> SessionId {
    text.parse().unwrap()
}

fn developer() -> UserId {
    UserId::new("dev-user-00000000-0000-0000-0000-000000000001")
}

fn registration(key: &str, now: Timestamp) -> RegisterFiles {
    let session_id = id(NEAR_EXPIRY);
    RegisterFiles {
        session_id,
        files: vec![new_file(&developer(), session_id, instruction(key, 1))],
        max_file_count: None,
        now,
        extension: EXTENSION,
        finalize_lock_ttl: MINUTE,
    }
}

fn load_as_written(database: &Database) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/story_01723.sql");
    let output = database.psql_command().arg("-f").arg(script).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn the_documents_rows_insert_as_written_and_are_read() {
    let Some(database) = common::migrated().await else {
        return;
    };
    load_as_written(&database);
    // As in production: the server's clock, which dated the rows.
    let store = PostgresStore::open(&PostgresOptions::new(database.url())).unwrap();
    let completed = store.session_detail(id(COMPLETED)).await.unwrap().unwrap();
    assert_eq!(completed.summary.bytes_received, 5_000_000);
    let file = completed.files[0].file.clone();
    assert_eq!(file.metadata.name, "test-duplicate.pdf");

    let mut duplicate = instruction("castle.pdf", 5_000_000);
    duplicate.hash = file.metadata.hash;
    let session = new_session(&developer(), vec![duplicate], NOW);
    let outcome = store.create_session(session).await.unwrap();
    assert!(matches!(outcome, CreateSessionOutcome::Duplicates(_)));

    let activity = store.register_files(registration("a", NOW)).await.unwrap();
    let Activity::Done { outcome, extension } = activity else {
        panic!("not registered: {activity:?}");
    };
    assert_eq!(outcome, [RegisterFileOutcome::Registered]);
    let extension = extension.unwrap();
    // 5 minutes were left, 30 are now.
    let gained = extension.new_expires_at.since(extension.old_expires_at);
    assert!(gained >= 25 * MINUTE && gained < 26 * MINUTE, "{gained:?}");

    assert_eq!(
        database.psql("SELECT event_type FROM upload_session_analytics ORDER BY created_at"),
        "session_created\nfile_completed\nsession_finalized"
    );
}

#[tokio::test]
async fn the_documents_table_and_indexes_are_there_under_their_names() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let columns = database.psql(
        "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default
         FROM information_schema.columns WHERE table_name = 'upload_session_analytics'
         ORDER BY ordinal_position",
    );
    assert_eq!(
        columns,
        "event_id|uuid||NO|gen_random_uuid()\n\
         session_id|uuid||NO|\n\
         event_type|character varying|50|NO|\n\
         metadata|jsonb||YES|\n\
         created_at|timestamp with time zone||NO|now()"
    );
    let indexes = database.psql(
        "SELECT indexdef FROM pg_indexes WHERE tablename = 'upload_session_analytics'
         OR indexname LIKE '%duplicate_detection' ORDER BY indexname",
    );
    for expected in [
        "idx_upload_session_analytics_session_id ON public.upload_session_analytics USING btree \
         (session_id)",
        "idx_upload_session_analytics_event_type ON public.upload_session_analytics USING btree \
         (event_type)",
        "idx_upload_session_analytics_created_at ON public.upload_session_analytics USING btree \
         (created_at)",
        "idx_upload_session_files_duplicate_detection ON public.upload_session_files USING btree \
         (user_id, file_size_bytes, file_hash) WHERE ((status = 'completed'::text) AND \
         (file_hash IS NOT NULL))",
    ] {
        assert!(indexes.contains(expected), "{expected}\n{indexes}");
    }
}

#[tokio::test]
async fn seeding_again_restores_the_rows_relative_to_now() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = common::open(&database.url());
    store.seed(NOW).await.unwrap();
    let near = store.declared_session(id(NEAR_EXPIRY)).await.unwrap();
    let near = near.unwrap();
    assert_eq!(near.declared, None);
    assert_eq!(near.session.stored_status, SessionStatus::Active);
    assert_eq!(near.session.expires_at, NOW + 5 * MINUTE);
    assert_eq!(near.session.created_at, NOW - 25 * MINUTE);
    store.register_files(registration("a", NOW)).await.unwrap();

    let later = NOW + 600 * MINUTE;
    store.seed(later).await.unwrap();
    let near = store.session_detail(id(NEAR_EXPIRY)).await.unwrap();
    let near = near.unwrap();
    assert_eq!(near.summary.session.expires_at, later + 5 * MINUTE);
    assert_eq!(near.files, []);
    let completed = store.session_detail(id(COMPLETED)).await.unwrap();
    assert_eq!(completed.unwrap().files.len(), 1);
}
