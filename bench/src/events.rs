//! What analytics costs the way of a file: whole lifecycles with it, without it, and while its table
//! is locked by somebody else.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use moc_uploads_testkit::postgres::Database;
use serde_json::json;

use crate::http_client::Connection;
use crate::lifecycle::{Run, WARM_UP, load};
use crate::report::{Samples, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, part_body};
use crate::{KIB, Result};

const FILE_BYTES: u64 = 64 * KIB;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long each run takes, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Clients, a kept connection each.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,
}

/// What is compared. The first of a database is what the others are compared with.
const VARIANTS: [Variant; 5] = [
    Variant::new("SQLite, off", false, "off", false),
    Variant::new("SQLite, on", false, "on", false),
    Variant::new("PostgreSQL, off", true, "off", false),
    Variant::new("PostgreSQL, on", true, "on", false),
    Variant::new("PostgreSQL, locked", true, "on", true),
];

struct Variant {
    name: &'static str,
    is_postgres: bool,
    analytics: &'static str,
    is_locked: bool,
}

impl Variant {
    const fn new(
        name: &'static str,
        is_postgres: bool,
        analytics: &'static str,
        is_locked: bool,
    ) -> Self {
        Self {
            name,
            is_postgres,
            analytics,
            is_locked,
        }
    }
}

#[derive(Default)]
struct Measured {
    per_second: Samples,
    p99_ms: Samples,
    cpu_ms_each: Samples,
    events_each: Samples,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    const MAX_PER_SECOND: u64 = 5000;
    let runs = u64::from(args.rounds) * VARIANTS.len() as u64;
    let mut scratch = Scratch::new(runs * args.seconds * MAX_PER_SECOND * FILE_BYTES / 2)?;
    scratch.fill_page_cache()?;
    let mut body = b"%PDF-1.7\n".to_vec();
    body.extend(part_body());
    body.truncate(FILE_BYTES as usize);
    let callers: Vec<Caller> = (0..args.clients)
        .map(|client| Caller::new(&format!("user-{client}")))
        .collect::<Result<_>>()?;

    let mut measured: [Measured; VARIANTS.len()] = Default::default();
    for round in 0..args.rounds as usize {
        for turn in 0..VARIANTS.len() {
            let index = (round + turn) % VARIANTS.len();
            let (run, event_count) = measure(
                &VARIANTS[index],
                &mut scratch,
                &callers,
                &body,
                args.seconds,
            )?;
            let measured = &mut measured[index];
            measured.per_second.push(run.per_second);
            measured.cpu_ms_each.push(run.cpu_ms_each);
            measured.p99_ms.push(run.latencies[0].quantile(0.99));
            measured.events_each.push(event_count);
        }
    }
    report(&measured)
}

/// A run, and the events that were written for each lifecycle.
fn measure(
    variant: &Variant,
    scratch: &mut Scratch,
    callers: &[Caller],
    body: &[u8],
    seconds: u64,
) -> Result<(Run, f64)> {
    let database = variant.is_postgres.then(Database::empty);
    let url = database.as_ref().map(Database::url).unwrap_or_default();
    let dir = scratch.fresh()?;
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("ANALYTICS", variant.analytics),
    ];
    let server = Server::real(&dir, &settings)?;
    let lock = match &database {
        Some(database) if variant.is_locked => Some(Lock::take(database)?),
        _ => None,
    };
    let lifecycle = |kind: &'static str| {
        move |client: usize, connection: &mut Connection, number: u32| {
            let start = Instant::now();
            run_lifecycle(
                &callers[client],
                connection,
                body,
                &format!("{kind} {number}"),
            )?;
            Ok([start.elapsed()])
        }
    };
    let clients = callers.len();
    load(&server, clients, WARM_UP, &lifecycle("Warm"))?;
    let before = written(&server)?;
    let run = load(
        &server,
        clients,
        Duration::from_secs(seconds),
        &lifecycle("Run"),
    )?;
    let events = written(&server)? - before;
    if let Some(lock) = lock {
        lock.release()?;
    }
    server.stop()?;
    let lifecycles = run.latencies[0].len() as f64;
    Ok((run, events / lifecycles))
}

fn run_lifecycle(
    caller: &Caller,
    connection: &mut Connection,
    body: &[u8],
    title: &str,
) -> Result<()> {
    let session = caller.create(connection, FILE_BYTES)?;
    let file = caller.register(connection, &session)?;
    let etag = caller.put_part(connection, &file, 1, body)?;
    caller.complete(connection, &file, &[etag])?;
    caller.finalize(connection, &session, title)
}

/// As the server counts it.
fn written(server: &Server) -> Result<f64> {
    const COUNTER: &str = "analytics_events_written_total ";
    let metrics = Connection::open(server.addr)?.request("GET", "/metrics", "", &[])?;
    let metrics = String::from_utf8(metrics.body)?;
    let count = metrics.lines().find_map(|line| line.strip_prefix(COUNTER));
    Ok(count.ok_or("no counter of events")?.parse()?)
}

/// Somebody who holds the table of events.
struct Lock(Child);

impl Lock {
    fn take(database: &Database) -> Result<Self> {
        let mut child = database
            .psql_command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdin = child.stdin.as_mut().ok_or("no stdin")?;
        writeln!(
            stdin,
            "BEGIN; LOCK TABLE upload_session_analytics; SELECT 'locked';"
        )?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        for line in BufReader::new(stdout).lines() {
            if line?.contains("locked") {
                return Ok(Self(child));
            }
        }
        Err("the table could not be locked".into())
    }

    fn release(mut self) -> Result<()> {
        // At the end of its input psql ends, and its transaction with it.
        drop(self.0.stdin.take());
        self.0.wait()?;
        Ok(())
    }
}

fn report(measured: &[Measured]) -> Result<()> {
    let mut rows = Vec::new();
    let mut results = serde_json::Map::new();
    let mut base = 0;
    for (index, (variant, own)) in VARIANTS.iter().zip(measured).enumerate() {
        if variant.analytics == "off" {
            base = index;
        }
        let ratio = own.per_second.ratio_to(&measured[base].per_second);
        let p99_ratio = own.p99_ms.ratio_to(&measured[base].p99_ms);
        rows.push(vec![
            variant.name.to_owned(),
            own.per_second.text(0),
            ratio.text(3),
            own.p99_ms.text(1),
            p99_ratio.text(3),
            own.cpu_ms_each.text(3),
            own.events_each.text(2),
        ]);
        let result = json!({
            "perSecond": own.per_second.json(), "ratio": ratio.json(),
            "p99Ms": own.p99_ms.json(), "p99Ratio": p99_ratio.json(),
            "cpuMsEach": own.cpu_ms_each.json(), "eventsEach": own.events_each.json(),
        });
        results.insert(variant.name.to_owned(), result);
    }
    print_table(
        &[
            "analytics",
            "lifecycles per second",
            "to off",
            "p99 ms",
            "to off",
            "server CPU ms each",
            "events each",
        ],
        &rows,
    );
    write_json("events", &results.into())
}
