//! Analytics events are what the tables say, none missing and none doubled: when the server is
//! killed in the middle of bursts of sessions and comes back, and when somebody has locked the table
//! of events.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "events/burst.rs"]
mod burst;
#[path = "events/tables.rs"]
mod tables;

use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use moc_uploads_testkit::postgres::{self, Database};
use moc_uploads_testkit::server::{Server, stores};
use rand::Rng;
use serde_json::{Value, json};

use burst::Burst;
use tables::Tables;

/// Sessions of a burst.
const SESSIONS: usize = 500;

/// How often the server is killed, and after how many answers, of the 4500 of a burst.
struct Kills {
    rounds: usize,
    answers: Range<f64>,
}

const KILLS: Kills = Kills {
    rounds: 20,
    answers: 100.0..1500.0,
};

/// The bucket of tests is slow. What is written of an answer does not depend on it.
const KILLS_WITH_BUCKET: Kills = Kills {
    rounds: 8,
    answers: 20.0..150.0,
};

fn start(data_dir: &Path, database_url: &str) -> Server {
    Server::start(
        env!("CARGO_BIN_EXE_moc-uploads"),
        data_dir,
        &[
            ("DATABASE_URL", database_url),
            ("RATE_LIMIT_BYPASS", "true"),
            // A kill comes after many of them.
            ("ANALYTICS_FLUSH_MS", "50"),
            ("RUST_LOG", "error,moc_uploads=info,moc_uploads_core=error"),
        ],
    )
}

async fn kill_and_compare(kills: Kills, tables: &Tables<'_>, data_dir: &Path) {
    let mut server = start(data_dir, &tables.url());
    let (mut derived_count, mut event_count) = (0, 0);
    for round in 0..kills.rounds {
        let burst = Burst::start(&server.url(), round, SESSIONS);
        // The moment of the kill is the random input of this test: as likely between 100 answers and
        // 200 as between 700 and 1400.
        let Range { start: few, end } = kills.answers;
        let answers = rand::rng().random_range(few.ln()..end.ln());
        burst.answered(answers.exp() as usize).await;
        server.kill_hard();
        burst.end().await;

        server = start(data_dir, &tables.url());
        // That may come before the server listens.
        let reconciled = server.logged("events reconciled");
        derived_count += reconciled["derived_count"].as_u64().unwrap();
        let (expected, events) = (tables.expected(), tables.events());
        assert!(
            expected.len() > event_count,
            "nothing happened in round {round}"
        );
        event_count = events.len();
        assert_eq!(
            difference(&expected, &events),
            (vec![], vec![]),
            "round {round}"
        );
        let counts = report(&server).await["metrics"]["eventCounts"].take();
        assert_eq!(counts, tables::counts(&expected), "round {round}");
    }
    assert!(
        derived_count > 0,
        "no kill came before an event was written"
    );
    assert!(
        derived_count < event_count as u64,
        "every kill came before an event was written"
    );
    assert!(server.stop().success());
}

/// What is missing of the first, sorted, and what is too much in the second.
fn difference<'a>(expected: &'a [String], found: &'a [String]) -> (Vec<&'a str>, Vec<&'a str>) {
    let (mut missing, mut surplus) = (Vec::new(), Vec::new());
    let (mut expected, mut found) = (expected.iter().peekable(), found.iter().peekable());
    loop {
        match (expected.peek(), found.peek()) {
            (None, None) => return (missing, surplus),
            (Some(one), Some(other)) if one == other => {
                expected.next();
                found.next();
            }
            (Some(one), other) if other.is_none_or(|other| one < other) => {
                missing.extend(expected.next().map(String::as_str));
            }
            _ => surplus.extend(found.next().map(String::as_str)),
        }
    }
}

#[test]
fn a_difference_is_found_on_both_sides() {
    let [a, b, c] = ["a", "b", "c"].map(str::to_owned);
    let (expected, found) = ([a.clone(), b], [a.clone(), a, c]);
    assert_eq!(difference(&expected, &found), (vec!["b"], vec!["a", "c"]));
}

/// On the stores that the run asks for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_or_doubled_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(folder.path());
    let tables = match &stores.database {
        None => Tables::Sqlite(folder.path().join("moc-uploads.db")),
        Some(database) => Tables::Postgres(database),
    };
    let kills = match stores.bucket {
        None => KILLS,
        Some(_) => KILLS_WITH_BUCKET,
    };
    kill_and_compare(kills, &tables, folder.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_or_doubled_on_postgresql() {
    if postgres::is_skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Database::empty();
    let tables = Tables::Postgres(&database);
    kill_and_compare(KILLS, &tables, folder.path()).await;
}

const REPORT: &str = "/api/mocs/uploads/sessions/analytics?limit=0";

async fn report(server: &Server) -> Value {
    let answer = reqwest::get(format!("{}{REPORT}", server.url())).await;
    answer.unwrap().json().await.unwrap()
}

const WAITING_REPORTS: &str = "
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '-- With: analytics_sessions%'";

/// Somebody who holds the table of events, in a transaction that stays open.
struct Lock(Child);

impl Lock {
    /// By a statement.
    fn take(database: &Database, statement: &str) -> Self {
        let mut psql = database.psql_command();
        psql.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        let script = format!("BEGIN; {statement}; SELECT 'locked';");
        writeln!(child.stdin.as_mut().unwrap(), "{script}").unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("locked")));
        Self(child)
    }

    fn release(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_table_of_events_holds_up_no_upload_and_loses_no_event() {
    if postgres::is_skipped() {
        return;
    }
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::empty();
    let server = start(folder.path(), &database.url());
    let lock = Lock::take(&database, "LOCK TABLE upload_session_analytics");
    // More than there are connections, and each waits for the lock.
    let reports: Vec<_> = (0..20)
        .map(|_| tokio::spawn(reqwest::get(format!("{}{REPORT}", server.url()))))
        .collect();
    while database.psql(WAITING_REPORTS) == "0" {}
    // To its end, though nothing can be written.
    Burst::start(&server.url(), 0, 50).end().await;
    let ready = reqwest::get(format!("{}/readyz", server.url())).await;
    assert_eq!(ready.unwrap().status(), 200);
    lock.release();
    join_all(reports).await;
    assert!(server.stop().success());

    let tables = Tables::Postgres(&database);
    let (expected, events) = (tables.expected(), tables.events());
    assert!(expected.len() > 50 * 7, "{} events", expected.len());
    assert_eq!(difference(&expected, &events), (vec![], vec![]));
}

/// What `/metrics` says of events, by name.
async fn event_metrics(server: &Server) -> [u64; 4] {
    let url = format!("{}/metrics", server.url());
    let page = reqwest::get(url).await.unwrap().text().await.unwrap();
    let value = |name: &str| {
        let of_name = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(' ')?.to_owned());
        let value = page.lines().find_map(of_name);
        value
            .unwrap_or_else(|| panic!("no {name}: {page}"))
            .parse()
            .unwrap()
    };
    [
        value("analytics_queue_depth"),
        value("analytics_events_written_total"),
        value("analytics_events_derived_total"),
        value("analytics_write_failures_total"),
    ]
}

/// Until `/metrics` says so.
async fn until_metrics(server: &Server, are: impl Fn([u64; 4]) -> bool) -> [u64; 4] {
    const PATIENCE: Duration = Duration::from_secs(60);
    let asking = async {
        loop {
            let metrics = event_metrics(server).await;
            if are(metrics) {
                return metrics;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap()
}

#[tokio::test]
async fn metrics_tell_what_became_of_events() {
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let start = |analytics| {
        let variables = [("ANALYTICS", analytics), ("ANALYTICS_FLUSH_MS", "10")];
        Server::start(env!("CARGO_BIN_EXE_moc-uploads"), folder.path(), &variables)
    };
    let server = start("off");
    create_session(&server).await;
    assert_eq!(event_metrics(&server).await, [0, 0, 0, 0]);
    assert!(server.stop().success());

    // The event of that session is found missing, that of another one is written.
    let server = start("on");
    server.logged("events reconciled");
    create_session(&server).await;
    let metrics = until_metrics(&server, |[_, written, ..]| written > 0).await;
    assert_eq!(metrics, [0, 1, 1, 0]);

    let db = rusqlite::Connection::open(folder.path().join("moc-uploads.db")).unwrap();
    db.execute_batch("ALTER TABLE upload_session_analytics RENAME TO away")
        .unwrap();
    create_session(&server).await;
    let waiting = |[depth, _, _, failed]: [u64; 4]| depth > 0 && failed > 1;
    let [depth, written, derived, _] = until_metrics(&server, waiting).await;
    assert_eq!([depth, written, derived], [1, 1, 1]);
    db.execute_batch("ALTER TABLE away RENAME TO upload_session_analytics")
        .unwrap();
    let [depth, written, derived, _] = until_metrics(&server, |[_, written, ..]| written > 1).await;
    assert_eq!([depth, written, derived], [0, 2, 1]);
}

async fn create_session(server: &Server) {
    let file = json!({
        "category": "instruction", "name": "castle.pdf", "size": 8, "type": "application/pdf",
        "ext": "pdf",
    });
    let url = format!("{}/api/mocs/uploads/sessions", server.url());
    let body = json!({ "files": [file] });
    let request = reqwest::Client::new().post(url).json(&body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 201, "{:?}", answer.json::<Value>().await);
}

/// An event by hand.
const BY_HAND: &str = "
    INSERT INTO upload_sessions (id, user_id, expires_at)
    VALUES ('00000000-0000-4000-8000-000000000001', 'alice', now());
    INSERT INTO upload_session_analytics (session_id, event_type)
    VALUES ('00000000-0000-4000-8000-000000000001', 'session_created')";

#[tokio::test]
async fn events_are_written_while_somebody_leaves_a_transaction_with_events_open() {
    if postgres::is_skipped() {
        return;
    }
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::empty();
    let server = start(folder.path(), &database.url());
    let lock = Lock::take(&database, BY_HAND);
    create_session(&server).await;
    until_metrics(&server, |[_, written, ..]| written == 1).await;
    lock.release();
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
    if postgres::is_skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Database::empty();
    assert!(start(folder.path(), &database.url()).stop().success());
    database.psql(BULK_LOAD);
    // The beginning of each is looked up: a pass over all for each would never end for a million.
    let lookups = database.psql(
        "SELECT sum(idx_scan) FROM pg_stat_user_indexes WHERE indexrelname IN \
         ('idx_upload_session_analytics_session_ends', 'idx_upload_session_analytics_session_id')",
    );
    assert!(lookups.parse::<u32>().unwrap() >= 5000, "{lookups}");
    let stale = "SELECT count(*) FROM analytics_stale_hours";
    assert_eq!(database.psql(stale), "3");
    let server = start(folder.path(), &database.url());
    while database.psql(stale) != "0" {}
    let summed = "SELECT sum(sessions_created), sum(sessions_finalized) FROM analytics_hours";
    assert_eq!(database.psql(summed), "5000|5000");
    assert!(server.stop().success());
}

/// Makes all that happened two days older, adds old events, more than are pruned at a time, and one
/// that is young enough.
const LONG_AGO: &str = "
    UPDATE upload_sessions SET created_at = created_at - 172800000;
    UPDATE upload_session_analytics SET created_at = created_at - 172800000;
    WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < 1200)
    INSERT INTO upload_session_analytics (event_id, session_id, event_type, created_at)
    SELECT 'event-' || n, s.id, 'by hand',
      CASE n WHEN 0 THEN unixepoch() * 1000 ELSE s.created_at END
    FROM r, upload_sessions AS s";

#[tokio::test]
async fn old_events_are_pruned_and_do_not_come_back() {
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let variables = [("ANALYTICS_RETENTION_DAYS", "1")];
        Server::start(env!("CARGO_BIN_EXE_moc-uploads"), folder.path(), &variables)
    };
    let server = start();
    create_session(&server).await;
    assert!(server.stop().success());
    let db = rusqlite::Connection::open(folder.path().join("moc-uploads.db")).unwrap();
    db.execute_batch(LONG_AGO).unwrap();

    let server = start();
    assert_eq!(server.logged("events pruned")["pruned_count"], 1201);
    assert_eq!(server.logged("events reconciled")["derived_count"], 0);
    assert_eq!(report(&server).await["pagination"]["total"], 1);
    assert!(server.stop().success());
}
