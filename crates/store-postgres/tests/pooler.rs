//! Behind a transaction-mode pooler with fewer connections than the replicas have, without prepared
//! statements: what must hold when many are at it.

use std::sync::Arc;

use moc_uploads_core::ports::SessionStore;
use moc_uploads_store_postgres::PostgresOptions;
use moc_uploads_testkit::builders::{new_session, user};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::postgres::{Database, Pooler, is_skipped};
use moc_uploads_testkit::session_store::Stores;

mod common;

fn options(url: &str) -> PostgresOptions {
    PostgresOptions {
        prepared_statements: false,
        ..common::options(url)
    }
}

async fn stores() -> Option<Stores> {
    let database = common::migrated().await?;
    let pooler = Pooler::start(3);
    let open = || Arc::new(common::open_with(options(&pooler.url(&database))));
    let (store, replica) = (open(), open());
    Some(Stores::new(store, replica, (pooler, database)))
}

moc_uploads_testkit::session_store_conformance! { stores:
    daily_limit {
        concurrent_creates_at_the_limit_admit_exactly_the_limit
    }
    idempotency {
        concurrent_requests_with_one_key_create_one_session
    }
    register_files {
        one_key_registered_concurrently_is_taken_once
        concurrent_registrations_never_exceed_the_count
    }
    record_part {
        concurrent_parts_all_count
    }
    complete_file {
        concurrent_calls_complete_once
    }
    extension {
        concurrent_activity_extends_once
    }
    read_sessions {
        a_list_says_of_a_session_what_the_session_says
    }
    end_session {
        concurrent_reapers_share_the_expired_sessions
        a_freed_session_holds_nothing
    }
    finalize_session {
        concurrent_commits_get_a_slug_each
        a_lost_lock_creates_nothing
    }
    housekeeping {
        keys_are_owned_by_active_and_completed_sessions
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_and_seeding_work_behind_a_pooler() {
    if is_skipped() {
        return;
    }
    let database = Database::empty();
    let pooler = Pooler::start(2);
    let open = || common::open_with(options(&pooler.url(&database)));
    let (store, replica) = (open(), open());
    let (first, second) = tokio::join!(store.migrate(), replica.migrate());
    first.unwrap();
    second.unwrap();
    let session = new_session(&user("alice"), vec![], ManualClock::START);
    store.seed(session.created_at).await.unwrap();
    store.create_session(session.clone()).await.unwrap();
    assert!(
        replica
            .declared_session(session.id)
            .await
            .unwrap()
            .is_some()
    );
}
