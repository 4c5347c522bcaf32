//! Analytics events are what the tables say, none missing and none doubled: when the server is
//! killed in the middle of bursts of sessions and comes back, and when somebody has locked the table
//! of events.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "events/burst.rs"]
mod burst;
#[path = "events/on_postgres.rs"]
mod on_postgres;
#[path = "events/tables.rs"]
mod tables;

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use moc_uploads_testkit::server::{Server, stores};
use rand::Rng;
use serde_json::{Value, json};

use burst::Burst;

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

fn start(data_dir: &Path) -> Server {
    Server::start(
        env!("CARGO_BIN_EXE_moc-uploads"),
        data_dir,
        &[
            ("RATE_LIMIT_BYPASS", "true"),
            // A kill comes after many of them.
            ("ANALYTICS_FLUSH_MS", "50"),
            ("RUST_LOG", "error,moc_uploads=info,moc_uploads_core=error"),
        ],
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_lost_or_doubled_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(folder.path());
    let kills = match stores.bucket {
        None => KILLS,
        Some(_) => KILLS_WITH_BUCKET,
    };
    let mut server = start(folder.path());
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

        server = start(folder.path());
        // That may come before the server listens.
        let reconciled = server.logged("events reconciled");
        derived_count += reconciled["derived_count"].as_u64().unwrap();
        let (expected, events) = (tables::expected(&stores), tables::events(&stores));
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

const REPORT: &str = "/api/mocs/uploads/sessions/analytics?limit=0";

async fn report(server: &Server) -> Value {
    let answer = reqwest::get(format!("{}{REPORT}", server.url())).await;
    answer.unwrap().json().await.unwrap()
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

    let stores = stores(folder.path());
    stores.sql("ALTER TABLE upload_session_analytics RENAME TO away");
    create_session(&server).await;
    let waiting = |[depth, _, _, failed]: [u64; 4]| depth > 0 && failed > 1;
    let [depth, written, derived, _] = until_metrics(&server, waiting).await;
    assert_eq!([depth, written, derived], [1, 1, 1]);
    stores.sql("ALTER TABLE away RENAME TO upload_session_analytics");
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

const LONG_AGO_ON_POSTGRESQL: &str = "
    UPDATE upload_sessions SET created_at = created_at - interval '2 days';
    UPDATE upload_session_analytics SET created_at = created_at - interval '2 days';
    INSERT INTO upload_session_analytics (session_id, event_type, created_at)
    SELECT s.id, 'by hand', CASE n WHEN 0 THEN now() ELSE s.created_at END
    FROM generate_series(0, 1200) AS n, upload_sessions AS s";

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
    let stores = stores(folder.path());
    stores.sql(match stores.database {
        None => LONG_AGO,
        Some(_) => LONG_AGO_ON_POSTGRESQL,
    });

    let server = start();
    assert_eq!(server.logged("events pruned")["pruned_count"], 1201);
    assert_eq!(server.logged("events reconciled")["derived_count"], 0);
    assert_eq!(report(&server).await["pagination"]["total"], 1);
    assert!(server.stop().success());
}
