//! What a report costs over millions of events (CONTRACT section 1.8), asked as an admin asks.

mod load;

use std::time::{Duration, Instant};

use moc_uploads_testkit::postgres::Cluster;
use serde_json::{Value, json};

use crate::http_client::Connection;
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::{Server, mint_admin_token};
use crate::{GIB, Result};

const PATH: &str = "/api/mocs/uploads/sessions/analytics";
const DAY_GOAL_MS: f64 = 50.0;
const RANGE_GOAL_MS: f64 = 1000.0;
/// Sums of a bulk load that take longer are a fault.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(600);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Events in PostgreSQL, ten of each session.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(1000..=20_000_000))]
    events: u32,
    /// Events in SQLite.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1000..=20_000_000))]
    sqlite_events: u32,
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
        "from=2025-02-14&to=2025-02-15&limit=0&userId=user-7",
        Some(DAY_GOAL_MS),
    ),
    ("90 days of a user", "userId=user-7", Some(RANGE_GOAL_MS)),
];

pub(crate) fn run(args: &Args) -> Result<()> {
    let needed_kib = u64::from(args.events) + u64::from(args.sqlite_events);
    let mut scratch = Scratch::new(GIB + needed_kib * 1024)?;
    let mut tables = Vec::new();
    let mut results = serde_json::Map::new();

    let dir = scratch.fresh()?;
    let cluster = Cluster::durable(&dir);
    cluster.psql("postgres", "CREATE DATABASE moc");
    let url = cluster.url("moc");
    let server = Server::real(&scratch.fresh()?, &[("DATABASE_URL", &url)])?;
    cluster.psql(
        "moc",
        &load::postgres(args.events / load::EVENTS_EACH, args.users),
    );
    let is_behind = || Ok(cluster.psql("moc", load::IS_BEHIND) == "t");
    let measured = measure("PostgreSQL", args.events, &server, args.rounds, is_behind)?;
    measured.keep(&mut tables, &mut results);
    server.stop()?;

    let dir = scratch.fresh()?;
    let server = Server::real(&dir, &[])?;
    load::sqlite(
        &dir.join("moc-uploads.db"),
        args.sqlite_events / load::EVENTS_EACH,
        args.users,
    )?;
    let measured = measure("SQLite", args.sqlite_events, &server, args.rounds, || {
        Ok(false)
    })?;
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

struct Measured {
    database: &'static str,
    event_count: u32,
    /// The first report over everything, right after the load.
    first_ms: f64,
    /// From the load until all hours are summed up.
    behind_ms: f64,
    answers_ms: Vec<Samples>,
}

/// Asks while the load is new, waits until everything is summed up, and asks again.
fn measure(
    database: &'static str,
    event_count: u32,
    server: &Server,
    rounds: u32,
    is_behind: impl Fn() -> Result<bool>,
) -> Result<Measured> {
    let headers = format!("authorization: Bearer {}\r\n", mint_admin_token("admin")?);
    let mut connection = Connection::open(server.addr)?;
    let mut ask = |query: &str| -> Result<(f64, Value)> {
        let start = Instant::now();
        let answer = connection.request("GET", &format!("{PATH}?{query}"), &headers, &[])?;
        Ok((start.elapsed().as_secs_f64() * 1000.0, answer.json()?))
    };
    let loaded_at = Instant::now();
    let (first_ms, answer) = ask("limit=0")?;
    let counted = answer["pagination"]["total"].as_u64();
    if counted
        != Some(u64::from(
            event_count / load::EVENTS_EACH * load::EVENTS_EACH,
        ))
    {
        return Err(format!("{counted:?} events instead of {event_count}").into());
    }
    while is_behind()? {
        if loaded_at.elapsed() > CATCH_UP_DEADLINE {
            return Err("the events are not summed up".into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let behind_ms = loaded_at.elapsed().as_secs_f64() * 1000.0;
    let mut answers_ms = vec![Samples::default(); QUESTIONS.len()];
    for round in 0..rounds as usize {
        for turn in 0..QUESTIONS.len() {
            let index = (round + turn) % QUESTIONS.len();
            answers_ms[index].push(ask(QUESTIONS[index].1)?.0);
        }
    }
    Ok(Measured {
        database,
        event_count,
        first_ms,
        behind_ms,
        answers_ms,
    })
}

impl Measured {
    fn keep(self, rows: &mut Vec<Vec<String>>, results: &mut serde_json::Map<String, Value>) {
        let name = format!("{} in {}", self.event_count, self.database);
        let mut row = |asked: &str, ms: String| rows.push(vec![name.clone(), asked.to_owned(), ms]);
        row(
            "90 days, right after the load",
            format!("{:.1}", self.first_ms),
        );
        row(
            "summed up after the load within",
            format!("{:.1}", self.behind_ms),
        );
        let mut result = json!({
            "events": self.event_count, "firstMs": self.first_ms, "behindMs": self.behind_ms,
        });
        for ((asked, ..), samples) in QUESTIONS.iter().zip(&self.answers_ms) {
            row(asked, samples.text(1));
            result[*asked] = samples.json();
        }
        results.insert(self.database.to_owned(), result);
    }
}
