//! A server that is not there, says nothing, or has no connection left.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use moc_uploads_core::ports::{CancelSessionOutcome, SessionStore, StoreError};
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_testkit::builders::{new_session, user};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::postgres::{Cluster, is_skipped};
use rustix::process::{Pid, Signal, kill_process};

mod common;
#[path = "common/create.rs"]
mod create;
#[path = "common/lossy.rs"]
mod lossy;

use common::{open_with, options};
use create::{create, is_unavailable};

/// Far more than any answer takes, far less than for ever.
const HANGING: Duration = Duration::from_secs(30);

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGING, work).await.unwrap()
}

fn impatient(url: &str) -> PostgresOptions {
    PostgresOptions {
        connect_timeout: Duration::from_millis(500),
        statement_timeout: Duration::from_millis(500),
        ..options(url)
    }
}

/// Until it is there; each failure on the way is a passing one.
async fn recovered(store: &PostgresStore) {
    let created = async {
        loop {
            let result = create(store).await;
            if result.is_ok() {
                return;
            }
            assert!(is_unavailable(&result), "{result:?}");
        }
    };
    soon(created).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_and_starts_again_is_used_again() {
    if is_skipped() {
        return;
    }
    let cluster = Cluster::private();
    let store = open_with(options(&cluster.url("postgres")));
    store.migrate().await.unwrap();
    let kept = create(&store).await.unwrap();
    for _ in 0..2 {
        cluster.stop();
        for _ in 0..2 {
            assert!(is_unavailable(&soon(store.ping()).await));
            assert!(is_unavailable(&soon(create(&store)).await));
        }
        cluster.start();
        recovered(&store).await;
    }
    assert!(store.declared_session(kept).await.unwrap().is_some());

    cluster.psql(
        "postgres",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'moc-uploads'",
    );
    recovered(&store).await;
}

/// As when the network swallows everything. The connection is given up, a new one works.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_falls_silent_is_given_up() {
    if is_skipped() {
        return;
    }
    let cluster = Cluster::private();
    let store = open_with(PostgresOptions {
        max_connections: 1,
        ..impatient(&cluster.url("postgres"))
    });
    store.migrate().await.unwrap();
    let backend = cluster.psql(
        "postgres",
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'moc-uploads'",
    );
    let backend = Pid::from_raw(backend.parse().unwrap()).unwrap();
    kill_process(backend, Signal::STOP).unwrap();
    assert!(is_unavailable(&soon(create(&store)).await));
    recovered(&store).await;
    kill_process(backend, Signal::CONT).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_connection_or_a_lock_is_bounded() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = open_with(PostgresOptions {
        max_connections: 1,
        statement_timeout: Duration::from_secs(2),
        ..impatient(&database.url())
    });
    let session = new_session(&user("alice"), vec![], ManualClock::START);
    store.create_session(session.clone()).await.unwrap();

    // Somebody holds the session.
    let mut holder = database
        .psql_command()
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut script = holder.stdin.take().unwrap();
    writeln!(script, "BEGIN; SELECT 1 FROM upload_sessions FOR UPDATE;").unwrap();
    while database.psql("SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock'") == "0" {
        tokio::task::yield_now().await;
    }
    let lock_ttl = Duration::from_secs(1);
    let now = session.created_at;
    let cancel = store.cancel_session(session.id, &session.user_id, now, lock_ttl);
    let (cancelled, pinged) = soon(async { tokio::join!(biased; cancel, store.ping()) }).await;
    assert!(is_unavailable(&cancelled), "{cancelled:?}");
    assert!(is_unavailable(&pinged), "{pinged:?}");

    drop(script);
    holder.wait().unwrap();
    recovered(&store).await;
}

/// While passwords, databases or servers are exchanged.
#[tokio::test]
async fn a_server_that_lets_nobody_in_or_only_reads_is_unavailable() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let url = database.url();
    let name = database.psql("SELECT current_database()");
    for wrong in [
        url.replace("postgres@", "nobody@"),
        url.replace(&name, "no_such_database"),
    ] {
        assert_ne!(wrong, url);
        let store = open_with(impatient(&wrong));
        assert!(is_unavailable(&soon(create(&store)).await));
    }

    let store = open_with(PostgresOptions {
        max_connections: 1,
        ..impatient(&url)
    });
    let read_only = |setting| {
        let alter = format!("ALTER DATABASE {name} SET default_transaction_read_only = {setting}");
        database.psql(&format!("BEGIN READ WRITE; {alter}; COMMIT"));
    };
    read_only("on");
    assert!(is_unavailable(&soon(create(&store)).await));
    // The connection that could only read is not used again.
    read_only("off");
    create(&store).await.unwrap();
}

/// A replica that loses its network between the statements of a transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_not_locked_for_ever_by_a_replica_that_vanished() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let store = open_with(impatient(&database.url()));
    let session = new_session(&user("alice"), vec![], ManualClock::START);
    store.create_session(session.clone()).await.unwrap();
    let lock_ttl = Duration::from_secs(1);
    let cancel = async |store: &PostgresStore| {
        let now = session.created_at;
        soon(store.cancel_session(session.id, &session.user_id, now, lock_ttl)).await
    };

    // Behind a pooler every statement is in a transaction.
    let lossy = lossy::start(&database.url());
    let vanishing = open_with(PostgresOptions {
        prepared_statements: false,
        ..impatient(&lossy)
    });
    assert!(is_unavailable(&cancel(&vanishing).await));
    let cancelled = soon(async {
        loop {
            match cancel(&store).await {
                Err(StoreError::Unavailable(_)) => {}
                other => return other.unwrap(),
            }
        }
    });
    let cancelled = cancelled.await;
    assert!(
        matches!(cancelled, CancelSessionOutcome::Cancelled(_)),
        "{cancelled:?}"
    );
}

#[tokio::test]
async fn nobody_listening_is_unavailable() {
    // A port of ours that nobody answers on.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = listener.local_addr().unwrap();
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for address in [silent, refused] {
        let store = open_with(impatient(&format!("postgres://u@{address}/x")));
        assert!(is_unavailable(&soon(store.ping()).await));
        assert!(is_unavailable(&soon(store.migrate()).await));
    }
}
