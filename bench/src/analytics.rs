//! What a report costs over millions of events (CONTRACT section 1.8), asked as an admin asks.

mod load;

use std::time::{Duration, Instant};

use moc_uploads_testkit::postgres::Cluster;
use serde_json::{Value, json};

use crate::http_client::{Answer, Connection};
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::{Server, mint_admin_token};
use crate::{GIB, Result};

const PATH: &str = "/api/mocs/uploads/sessions/analytics";
const DAY_GOAL_MS: f64 = 50.0;
const RANGE_GOAL_MS: f64 = 1000.0;
/// The server rests for up to a minute when it has found nothing to sum up.
const STUCK_AFTER: Duration = Duration::from_secs(180);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Events in PostgreSQL, ten of each session.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(1000..=20_000_000))]
    postgres_rows: u32,
    /// Events in SQLite.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..=20_000_000))]
    sqlite_rows: u32,
    /// Whose sessions they are, equally many each.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    users: u32,
    /// How often each is asked.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
}

/// What is asked, and how long the answer may take on PostgreSQL.
const QUESTIONS: [(&str, &str, Option<f64>); 7] = [
    (
        "a day's metrics",
        "from=2025-02-14&to=2025-02-15&limit=0",
        Some(DAY_GOAL_MS),
    ),
    ("90 days' metrics", "limit=0", Some(RANGE_GOAL_MS)),
    (
        "90 days, odd ends",
        "from=2025-01-01T00:20:00Z&to=2025-03-31T23:40:00Z&limit=0",
        Some(RANGE_GOAL_MS),
    ),
    (
        "90 days and 50 events",
        "from=2025-01-01&to=2025-04-01",
        Some(RANGE_GOAL_MS),
    ),
    (
        "90 days and 50 failures",
        "eventType=session_failed",
        Some(RANGE_GOAL_MS),
    ),
    (
        "a day of a user",
        "from=2025-02-14&to=2025-02-15&limit=0&userId=user-0",
        Some(DAY_GOAL_MS),
    ),
    ("90 days of a user", "userId=user-0", Some(RANGE_GOAL_MS)),
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let needed_kib = u64::from(args.postgres_rows) + u64::from(args.sqlite_rows);
    let mut scratch = Scratch::new(GIB + needed_kib * 1024)?;
    let mut tables = Vec::new();
    let mut results = serde_json::Map::new();

    let dir = scratch.fresh()?;
    let cluster = Cluster::durable(&dir);
    cluster.psql("postgres", "CREATE DATABASE moc");
    let url = cluster.url("moc");
    let server = Server::real(&scratch.fresh()?, &[("DATABASE_URL", &url)])?;
    let loading = announce("PostgreSQL", args.postgres_rows);
    let sessions = args.postgres_rows / load::EVENTS_EACH;
    cluster.psql("moc", &load::postgres(sessions, args.users));
    let loaded = Loaded::of("PostgreSQL", sessions, args.users, loading);
    let stale_hours = || Ok(cluster.psql("moc", load::STALE_HOURS).parse()?);
    let measured = measure(loaded, &server, args.rounds, stale_hours)?;
    measured.keep(&mut tables, &mut results);
    server.stop()?;

    let dir = scratch.fresh()?;
    let server = Server::real(&dir, &[])?;
    let loading = announce("SQLite", args.sqlite_rows);
    let sessions = args.sqlite_rows / load::EVENTS_EACH;
    load::sqlite(&dir.join("moc-uploads.db"), sessions, args.users)?;
    let loaded = Loaded::of("SQLite", sessions, args.users, loading);
    // It keeps no sums.
    let measured = measure(loaded, &server, args.rounds, || Ok(0))?;
    measured.keep(&mut tables, &mut results);
    server.stop()?;

    print_table(&["events", "asked", "ms"], &tables);
    for (asked, _, goal) in QUESTIONS {
        if let (Some(goal), Some(median)) = (goal, results["PostgreSQL"][asked]["median"].as_f64())
        {
            print_goal(&format!("{asked} on PostgreSQL, ms"), median, goal, false);
        }
    }
    write_json("analytics", &results.into())
}

struct Loaded {
    database: &'static str,
    event_count: u32,
    /// Of the first user, who has as many as any.
    of_a_user: u32,
    load_ms: f64,
}

/// So that whoever waits knows for what.
fn announce(database: &str, event_count: u32) -> Instant {
    println!("{database}: loading {event_count} events");
    Instant::now()
}

impl Loaded {
    fn of(database: &'static str, session_count: u32, users: u32, begun_at: Instant) -> Self {
        let load_ms = millis(begun_at);
        println!("{database}: loaded within {load_ms:.0} ms");
        Self {
            database,
            event_count: session_count * load::EVENTS_EACH,
            of_a_user: session_count.div_ceil(users) * load::EVENTS_EACH,
            load_ms,
        }
    }
}

struct Measured {
    loaded: Loaded,
    /// The first report over everything, right after the load; none when it took too long.
    first_ms: Option<f64>,
    /// From the load until all hours are summed up.
    behind_ms: f64,
    answers_ms: Vec<Samples>,
}

/// Asks while the load is new, waits until everything is summed up, and asks again.
fn measure(
    loaded: Loaded,
    server: &Server,
    rounds: u32,
    stale_hours: impl Fn() -> Result<u64>,
) -> Result<Measured> {
    let headers = format!("authorization: Bearer {}\r\n", mint_admin_token("admin")?);
    let mut connection = Connection::open(server.addr)?;
    let mut ask = |query: &str| -> Result<(f64, Answer)> {
        let start = Instant::now();
        let answer = connection.request("GET", &format!("{PATH}?{query}"), &headers, &[])?;
        Ok((millis(start), answer))
    };
    let loaded_at = Instant::now();
    let (ms, first) = ask("limit=0")?;
    let first_ms = first.expect_success().is_ok().then_some(ms);
    wait_for_sums(loaded.database, stale_hours)?;
    let behind_ms = millis(loaded_at);
    let expected = [
        ("limit=0", loaded.event_count),
        ("limit=0&userId=user-0", loaded.of_a_user),
    ];
    for (query, expected) in expected {
        let counted = ask(query)?.1.json()?["pagination"]["total"].as_u64();
        if counted != Some(expected.into()) {
            return Err(format!("{query}: {counted:?} events instead of {expected}").into());
        }
    }
    let mut answers_ms = vec![Samples::default(); QUESTIONS.len()];
    for round in 0..rounds as usize {
        for turn in 0..QUESTIONS.len() {
            let index = (round + turn) % QUESTIONS.len();
            let (ms, answer) = ask(QUESTIONS[index].1)?;
            answer.expect_success()?;
            answers_ms[index].push(ms);
        }
    }
    Ok(Measured {
        loaded,
        first_ms,
        behind_ms,
        answers_ms,
    })
}

/// However long it takes, while there is progress.
fn wait_for_sums(database: &str, stale_hours: impl Fn() -> Result<u64>) -> Result<()> {
    let mut left = stale_hours()?;
    let (mut progress_at, mut told_at) = (Instant::now(), Instant::now());
    println!("{database}: waiting for the sums of {left} hours");
    while left > 0 {
        if progress_at.elapsed() > STUCK_AFTER {
            return Err(format!("the sums of {left} hours are not getting fewer").into());
        }
        std::thread::sleep(Duration::from_millis(100));
        let now = stale_hours()?;
        if now < left {
            (left, progress_at) = (now, Instant::now());
        }
        if told_at.elapsed() > Duration::from_secs(10) {
            println!("{database}: {left} hours left");
            told_at = Instant::now();
        }
    }
    Ok(())
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

impl Measured {
    fn keep(self, rows: &mut Vec<Vec<String>>, results: &mut serde_json::Map<String, Value>) {
        let Loaded {
            database,
            event_count,
            load_ms,
            ..
        } = self.loaded;
        let name = format!("{event_count} in {database}");
        let mut row = |asked: &str, ms: String| rows.push(vec![name.clone(), asked.to_owned(), ms]);
        row("loaded within", format!("{load_ms:.1}"));
        let first = self
            .first_ms
            .map_or("refused".into(), |ms| format!("{ms:.1}"));
        row("90 days, right after the load", first);
        row(
            "summed up after the load within",
            format!("{:.1}", self.behind_ms),
        );
        let mut result = json!({
            "events": event_count, "loadMs": load_ms, "firstMs": self.first_ms, "behindMs": self.behind_ms,
        });
        for ((asked, ..), samples) in QUESTIONS.iter().zip(&self.answers_ms) {
            row(asked, samples.text(1));
            result[*asked] = samples.json();
        }
        results.insert(database.to_owned(), result);
    }
}
