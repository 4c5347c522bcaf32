//! The schema: migrating, refusing, surviving.

use std::time::Duration;

use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::*;
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_testkit::builders::{EXTENSION, MINUTE, instruction, new_file, new_session, user};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::postgres::{Database, is_skipped};
use tokio::task::JoinSet;

mod common;
#[path = "common/create.rs"]
mod create;

use common::open;
use create::{create, is_unavailable};

#[tokio::test(flavor = "multi_thread")]
async fn ten_replicas_that_start_at_once_migrate_a_new_database_once() {
    if is_skipped() {
        return;
    }
    let database = Database::empty();
    let mut stores = JoinSet::new();
    for _ in 0..10 {
        let store = open(&database.url());
        stores.spawn(async move {
            store.migrate().await.unwrap();
            store
        });
    }
    for store in stores.join_all().await {
        store.migrate().await.unwrap();
        create(&store).await.unwrap();
    }
    let migrated = database.psql("SELECT version, name FROM schema_migrations ORDER BY version");
    assert!(migrated.starts_with("1|0001_init\n2|"), "{migrated}");
    let count = database.psql("SELECT count(*) = max(version) FROM schema_migrations");
    assert_eq!(count, "t", "{migrated}");
}

#[tokio::test]
async fn migrating_a_database_in_use_keeps_what_is_in_it() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = open(&database.url());
    let id = create(&store).await.unwrap();
    store.migrate().await.unwrap();
    let again = open(&database.url());
    assert!(again.declared_session(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let Some(database) = common::migrated().await else {
        return;
    };
    database.psql("INSERT INTO schema_migrations (version, name, checksum) VALUES (99, 'x', 'x')");
    let error = open(&database.url()).migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::Internal(_)));
    assert!(error.to_string().contains("start a newer program"));
}

#[tokio::test]
async fn a_migration_that_changed_after_it_landed_is_refused() {
    let Some(database) = common::migrated().await else {
        return;
    };
    database.psql("UPDATE schema_migrations SET checksum = 'other'");
    let error = open(&database.url()).migrate().await.unwrap_err();
    assert!(matches!(error, StoreError::Internal(_)));
    assert!(error.to_string().contains("0001_init"));
}

/// As when a newer program has added columns: prepared statements go on, and so do those who made
/// them.
#[tokio::test]
async fn a_program_goes_on_while_a_newer_one_adds_columns() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = open(&database.url());
    let user_id = user("alice");
    let now = ManualClock::START;
    for _ in 0..2 {
        let session = new_session(&user_id, vec![instruction("a", 1)], now);
        store.create_session(session.clone()).await.unwrap();
        let file = new_file(&user_id, session.id, instruction("a", 1));
        let register = RegisterFiles {
            session_id: session.id,
            files: vec![file.clone()],
            max_file_count: Some(1),
            now,
            extension: EXTENSION,
            finalize_lock_ttl: MINUTE,
        };
        store.register_files(register).await.unwrap();
        let part = RecordPart {
            session_id: session.id,
            file_id: file.id,
            upload_id: file.upload.id.clone(),
            part_number: 1,
            etag: ETag::parse("e"),
            size_bytes: 1,
            now,
            extension: EXTENSION,
        };
        store.record_part(part).await.unwrap();
        store.part_target(session.id, file.id, 1).await.unwrap();
        store.session_detail(session.id).await.unwrap();
        let begin = store.begin_finalize(session.id, &user_id, now, MINUTE, MINUTE);
        let BeginFinalizeOutcome::Locked { files, .. } = begin.await.unwrap() else {
            panic!("not locked");
        };
        assert_eq!(files.len(), 1);
        for table in [
            "upload_sessions",
            "upload_session_files",
            "upload_session_parts",
        ] {
            database.psql(&format!(
                "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS added text NOT NULL DEFAULT ''"
            ));
        }
    }
}

/// Append only. A change to a migration that databases out there have applied locks them out.
#[tokio::test]
async fn a_migration_that_has_landed_never_changes() {
    const LANDED: &[&str] = &[
        "cab99d6a9a491cff1e553f8f81daa17379b7351e15282253ddc17c53be2e471a",
        "7b62ec880630f5586ca8fb4ce12fd6dc20e2eac2ff4f5145494db8085c0153ae",
        "7e8d83edb30b0961c0254c3af78da6fcb960836b2a4140ad3b91f9e568afca52",
        "a8377a71c27145cffded88c6bb633ba0ecfefb025ec4b73a49921e2e5890c5c1",
        "e7dca14d6de389d03c852d95b5bf65acfdaf832015f18d8ce65a77e5ae2b9d80",
        "f04093388916e26a6b5a7db9bcbcee80f9163fcc11c0e40e102547508f14b0ea",
        "fab7ea45157f14cbafee969edbfb66526397b0e23c7449b2366b20347b406a2f",
        "cf1d4434e3424a135c42f73a633b7b5d5408b5ae44ab4a4be2b12bdc8d450f9e",
        "b680d2854191c9561ecc9ef2533a42a7240dd9a64c8e7f92795d37e7c96111a2",
        "f819d6bf4f353b23e49f915341f0e0b6aa1dfbb8eeaf72df4bb86d6116c82f74",
        "733a83ade446e1981e2041df20eba9464e77b7ef4ed34cf33163e428d148fd12",
        "10bc86a135e4c8ecc85552fcecd0b46f40b7a94083d796cc0ebade68b8238b62",
        "10bc86a135e4c8ecc85552fcecd0b46f40b7a94083d796cc0ebade68b8238b62",
        "8ed5dcad784ffa894f2288a600146fbb0796cb74eaf09e5a3c9e836f13c1eb31",
    ];
    let Some(database) = common::migrated().await else {
        return;
    };
    let checksums = database.psql("SELECT checksum FROM schema_migrations ORDER BY version");
    assert_eq!(checksums.lines().collect::<Vec<_>>(), LANDED);
}

/// Whoever may write events must not get at what the owner of the schema may do.
#[tokio::test]
async fn functions_with_their_owners_rights_never_use_temporary_tables() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let paths = database.psql(
        "SELECT array_to_string(proconfig, '; ') FROM pg_proc \
         WHERE prosecdef AND pronamespace = 'public'::regnamespace",
    );
    assert!(!paths.is_empty());
    for path in paths.lines() {
        assert!(path.contains("search_path=public, pg_temp"), "{path}");
    }
    let counts = database.psql(
        "CREATE TEMP TABLE analytics_stale_hours (hour timestamptz PRIMARY KEY);
         WITH session AS (
           INSERT INTO upload_sessions (user_id, expires_at) VALUES ('alice', now()) RETURNING id
         )
         INSERT INTO upload_session_analytics (session_id, event_type)
         SELECT id, 'session_created' FROM session;
         SELECT (SELECT count(*) FROM pg_temp.analytics_stale_hours),
           (SELECT count(*) FROM public.analytics_stale_hours);",
    );
    assert_eq!(counts, "0|1");
}

#[tokio::test]
async fn a_url_that_cannot_be_right_is_refused_and_not_repeated() {
    for url in [
        "postgres://u:secret@db/x?sslmode=perhaps",
        "postgres://u:secret@db:port/x",
    ] {
        let Err(error) = PostgresStore::open(&PostgresOptions::new(url)) else {
            panic!("{url} was accepted");
        };
        assert!(matches!(error, StoreError::Internal(_)));
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}

#[tokio::test]
async fn a_closed_store_is_unavailable() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = open(&database.url());
    create(&store).await.unwrap();
    store.close().await;
    assert!(is_unavailable(&create(&store).await));
    assert!(is_unavailable(&store.ping().await));
    store.close().await;
}

/// As an operator may lock one, or a server that knows of no leases: nobody renews such a lock.
#[tokio::test]
async fn a_lock_that_was_put_there_by_hand_holds_for_its_time() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = open(&database.url());
    let session = new_session(&user("alice"), vec![], ManualClock::START);
    store.create_session(session.clone()).await.unwrap();
    let ttl = MINUTE;
    let locked_at = ManualClock::START;
    database.psql(&format!(
        "UPDATE upload_sessions SET finalizing_at = '{locked_at}'"
    ));
    let begin = async |now| {
        let begin = store.begin_finalize(session.id, &session.user_id, now, ttl, ttl);
        begin.await.unwrap()
    };
    let last = locked_at + ttl - Duration::from_millis(1);
    assert_eq!(begin(last).await, BeginFinalizeOutcome::InProgress);
    let outcome = begin(locked_at + ttl).await;
    assert!(matches!(outcome, BeginFinalizeOutcome::Locked { .. }));
}
