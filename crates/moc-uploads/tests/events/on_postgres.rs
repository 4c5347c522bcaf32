//! Who is in the way of whom in PostgreSQL, and what its statistics do to reports.

use std::sync::Arc;

use futures_util::future::join_all;
use moc_uploads_testkit::postgres;
use moc_uploads_testkit::server::{Store, Stores, choose};
use tempfile::TempDir;

use super::burst::Burst;
use super::{REPORT, create_session, difference, start, tables, until_metrics};

const WAITING_REPORTS: &str = "
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '-- With: analytics_sessions%'";

/// Where a server is to be; `None` where PostgreSQL is to be left out.
fn place() -> Option<(TempDir, Arc<Stores>)> {
    if postgres::is_skipped() {
        return None;
    }
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let stores = choose(folder.path(), Store::Postgres);
    Some((folder, stores))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_table_of_events_holds_up_no_upload_and_loses_no_event() {
    let Some((folder, stores)) = place() else {
        return;
    };
    let database = stores.database.as_ref().unwrap();
    let server = start(folder.path());
    let lock = database.hold("LOCK TABLE upload_session_analytics");
    // More than there are connections, and each waits for the lock.
    let reports: Vec<_> = (0..20)
        .map(|_| tokio::spawn(reqwest::get(format!("{}{REPORT}", server.url()))))
        .collect();
    while database.psql(WAITING_REPORTS) == "0" {}
    // A bucket takes several times as long for each.
    let sessions = match stores.bucket {
        None => 50,
        Some(_) => 10,
    };
    // To its end, though nothing can be written.
    Burst::start(&server.url(), 0, sessions).end().await;
    let ready = reqwest::get(format!("{}/readyz", server.url())).await;
    assert_eq!(ready.unwrap().status(), 200);
    drop(lock);
    join_all(reports).await;
    assert!(server.stop().success());

    let (expected, events) = (tables::expected(&stores), tables::events(&stores));
    assert!(expected.len() > sessions * 7, "{} events", expected.len());
    assert_eq!(difference(&expected, &events), (vec![], vec![]));
}

/// An event by hand.
const BY_HAND: &str = "
    INSERT INTO upload_sessions (id, user_id, expires_at)
    VALUES ('00000000-0000-4000-8000-000000000001', 'alice', now());
    INSERT INTO upload_session_analytics (session_id, event_type)
    VALUES ('00000000-0000-4000-8000-000000000001', 'session_created')";

#[tokio::test]
async fn events_are_written_while_somebody_leaves_a_transaction_with_events_open() {
    let Some((folder, stores)) = place() else {
        return;
    };
    let database = stores.database.as_ref().unwrap();
    let server = start(folder.path());
    let lock = database.hold(BY_HAND);
    create_session(&server).await;
    until_metrics(&server, |[_, written, ..]| written == 1).await;
    drop(lock);
    assert!(server.stop().success());
}

/// A bulk load of events by hand, into tables that no statistics are about.
const BULK_LOAD: &str = "
    INSERT INTO upload_sessions (id, user_id, expires_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'alice', now() FROM generate_series(1, 5000) AS n;
    INSERT INTO upload_session_analytics (session_id, event_type, created_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, 'session_' || ending,
      '2025-01-01T00:30:00Z'::timestamptz + n % 3 * interval '1 hour'
    FROM generate_series(1, 5000) AS n, (VALUES ('created'), ('finalized')) AS e(ending)";

#[tokio::test]
async fn what_was_loaded_by_hand_is_summed_up_without_being_asked_for() {
    let Some((folder, stores)) = place() else {
        return;
    };
    let database = stores.database.as_ref().unwrap();
    assert!(start(folder.path()).stop().success());
    database.psql(BULK_LOAD);
    // The beginning of each is looked up: a pass over all for each would never end for a million.
    let lookups = database.psql(
        "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname IN \
         ('idx_upload_session_analytics_session_ends', 'idx_upload_session_analytics_session_id')",
    );
    assert!(lookups.parse::<u32>().unwrap() >= 5000, "{lookups}");
    let stale = "SELECT count(*) FROM analytics_stale_hours";
    assert_eq!(database.psql(stale), "3");
    let server = start(folder.path());
    while database.psql(stale) != "0" {}
    let summed = "SELECT sum(sessions_created), sum(sessions_finalized) FROM analytics_hours";
    assert_eq!(database.psql(summed), "5000|5000");
    assert!(server.stop().success());
}
