//! How many sessions a second go from creation to a completed file.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http_client::Connection;
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, join_all, part_body};
use crate::{KIB, Result};

const GOAL: f64 = 0.25;
pub(crate) const FILE_BYTES: u64 = 64 * KIB;
const STEPS: [&str; 4] = ["create", "register", "part", "complete"];
/// However fast a server is, a run ends here.
const MAX_COUNT: u32 = 60_000;
/// What the two write on the average: room is made for it.
const FILES_PER_SECOND: u64 = 9_000;
/// Runs before anything is measured: pages, connections and caches are there by then.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long each run takes, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Clients, a kept connection each.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,
}

/// One run of one server.
pub(crate) struct Run {
    pub(crate) per_second: f64,
    pub(crate) cpu_ms_each: f64,
    /// Milliseconds, by step.
    pub(crate) latencies: Vec<Samples>,
}

#[derive(Default)]
struct Measured {
    per_second: Samples,
    cpu_ms_each: Samples,
    latencies: Vec<Samples>,
}

impl Measured {
    fn add(&mut self, run: &Run) {
        self.per_second.push(run.per_second);
        self.cpu_ms_each.push(run.cpu_ms_each);
        self.latencies
            .resize_with(run.latencies.len(), Samples::default);
        for (all, new) in self.latencies.iter_mut().zip(&run.latencies) {
            all.extend(new);
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let runs = u64::from(args.rounds) * 2 + 1;
    let mut scratch =
        Scratch::new(runs * (args.seconds * 2 + 1) * FILES_PER_SECOND / 2 * FILE_BYTES)?;
    scratch.fill_page_cache()?;
    let body = &part_body()[..FILE_BYTES as usize];
    let callers: Vec<Caller> = (0..args.clients)
        .map(|client| Caller::new(&format!("user-{client}")))
        .collect::<Result<_>>()?;

    let (mut real, mut bare) = (Measured::default(), Measured::default());
    for round in 0..args.rounds {
        for turn in 0..2 {
            let dir = scratch.fresh()?;
            if (round + turn) % 2 == 0 {
                let server = Server::real(&dir, &[])?;
                real.add(&run_real(&server, &callers, body, args.seconds)?);
                server.stop()?;
            } else {
                let server = Server::bare(&dir)?;
                bare.add(&run_bare(&server, args.clients, body, args.seconds)?);
                server.stop()?;
            }
        }
    }
    let syncs = count_syncs(&mut scratch, &callers, body)?;
    report(&real, &bare, &syncs)
}

fn report(real: &Measured, bare: &Measured, syncs: &Value) -> Result<()> {
    let ratio = real.per_second.ratio_to(&bare.per_second);
    let cpu_ratio = bare.cpu_ms_each.ratio_to(&real.cpu_ms_each);
    print_table(
        &["server", "per second", "server CPU ms each"],
        &[
            vec![
                "moc-uploads, lifecycles".to_owned(),
                real.per_second.text(0),
                real.cpu_ms_each.text(3),
            ],
            vec![
                "bare, PUTs".to_owned(),
                bare.per_second.text(0),
                bare.cpu_ms_each.text(3),
            ],
            vec!["ratio".to_owned(), ratio.text(3), cpu_ratio.text(3)],
        ],
    );
    let mut rows = Vec::new();
    let mut latencies = serde_json::Map::new();
    let names = STEPS.iter().chain(["bare PUT"].iter());
    for (name, samples) in names.zip(real.latencies.iter().chain(&bare.latencies)) {
        let (p50, p99) = (samples.median(), samples.quantile(0.99));
        rows.push(vec![
            (*name).to_owned(),
            format!("{p50:.2}"),
            format!("{p99:.2}"),
        ]);
        latencies.insert((*name).to_owned(), json!({ "p50": p50, "p99": p99 }));
    }
    print_table(&["request", "p50 ms", "p99 ms"], &rows);
    if let Some(syncs) = syncs.as_object() {
        let rows: Vec<Vec<String>> = syncs
            .iter()
            .map(|(name, count)| {
                let count = count.as_f64().unwrap_or(f64::NAN);
                vec![name.clone(), format!("{count:.2}")]
            })
            .collect();
        print_table(&["call", "per lifecycle"], &rows);
    }
    print_goal("ratio", ratio.median(), GOAL, true);
    write_json(
        "lifecycle",
        &json!({
            "realPerSecond": real.per_second.json(),
            "barePerSecond": bare.per_second.json(),
            "ratio": ratio.json(),
            "realCpuMsEach": real.cpu_ms_each.json(),
            "bareCpuMsEach": bare.cpu_ms_each.json(),
            "latencyMs": latencies,
            "syncsPerLifecycle": syncs,
            "goal": GOAL,
        }),
    )
}

/// Lifecycles, a client for each caller.
pub(crate) fn run_real(
    server: &Server,
    callers: &[Caller],
    body: &[u8],
    seconds: u64,
) -> Result<Run> {
    let lifecycle = |client: usize, connection: &mut Connection, _: u32| {
        run_lifecycle(&callers[client], connection, body)
    };
    let clients = callers.len();
    load(server, clients, WARM_UP, &lifecycle)?;
    load(server, clients, Duration::from_secs(seconds), &lifecycle)
}

fn run_lifecycle(
    caller: &Caller,
    connection: &mut Connection,
    body: &[u8],
) -> Result<[Duration; 4]> {
    let start = Instant::now();
    let session = caller.create(connection, FILE_BYTES)?;
    let created = Instant::now();
    let file = caller.register(connection, &session)?;
    let registered = Instant::now();
    let etag = caller.put_part(connection, &file, 1, body)?;
    let stored = Instant::now();
    caller.complete(connection, &file, &[etag])?;
    Ok([
        created - start,
        registered - created,
        stored - registered,
        stored.elapsed(),
    ])
}

fn run_bare(server: &Server, clients: u32, body: &[u8], seconds: u64) -> Result<Run> {
    let clients = clients as usize;
    let put = |kind: &'static str| {
        move |_: usize, connection: &mut Connection, number: u32| {
            let start = Instant::now();
            connection
                .request("PUT", &format!("/{kind}{number}"), "", body)?
                .expect_success()?;
            Ok([start.elapsed()])
        }
    };
    load(server, clients, WARM_UP, &put("warm"))?;
    load(server, clients, Duration::from_secs(seconds), &put("run"))
}

/// Runs `work` on a kept connection per client until the time is over.
pub(crate) fn load<const N: usize>(
    server: &Server,
    clients: usize,
    time: Duration,
    work: &(impl Fn(usize, &mut Connection, u32) -> Result<[Duration; N]> + Sync),
) -> Result<Run> {
    let cpu_before = server.cpu_seconds()?;
    let count = AtomicU32::new(0);
    let started = Instant::now();
    let per_client = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..clients)
            .map(|client| {
                let (count, addr) = (&count, server.addr);
                scope.spawn(move || client_loop(client, addr, started + time, count, work))
            })
            .collect();
        join_all(workers)
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = server.cpu_seconds()? - cpu_before;

    let mut latencies = vec![Samples::default(); N];
    let mut done = 0;
    for client in &per_client {
        done += client.len();
        for steps in client {
            for (samples, step) in latencies.iter_mut().zip(steps) {
                samples.push(step.as_secs_f64() * 1000.0);
            }
        }
    }
    Ok(Run {
        per_second: done as f64 / seconds,
        cpu_ms_each: cpu_seconds * 1000.0 / done as f64,
        latencies,
    })
}

fn client_loop<const N: usize>(
    client: usize,
    addr: SocketAddr,
    deadline: Instant,
    count: &AtomicU32,
    work: &impl Fn(usize, &mut Connection, u32) -> Result<[Duration; N]>,
) -> Result<Vec<[Duration; N]>> {
    let mut connection = Connection::open(addr)?;
    let mut done = Vec::new();
    while Instant::now() < deadline {
        let number = count.fetch_add(1, Ordering::Relaxed);
        if number >= MAX_COUNT {
            break;
        }
        done.push(work(client, &mut connection, number)?);
    }
    Ok(done)
}

/// Syncs per lifecycle by system call, from a run of their own under strace; null without it.
fn count_syncs(scratch: &mut Scratch, callers: &[Caller], body: &[u8]) -> Result<Value> {
    let has_strace = Command::new("strace").arg("-V").output().is_ok();
    if !has_strace {
        return Ok(Value::Null);
    }
    let dir = scratch.fresh()?;
    let counts = dir.with_extension("strace");
    let server = Server::real_counted(&dir, &counts)?;
    let done = AtomicU32::new(0);
    let work = |client: usize, connection: &mut Connection, _: u32| {
        let steps = run_lifecycle(&callers[client], connection, body)?;
        done.fetch_add(1, Ordering::Relaxed);
        Ok(steps)
    };
    load(&server, callers.len(), Duration::from_secs(2), &work)?;
    server.stop()?;
    let done = f64::from(done.into_inner());
    parse_counts(&counts, done)
}

/// Of strace's summary: a name and a number of calls per line.
fn parse_counts(path: &Path, done: f64) -> Result<Value> {
    let counts: serde_json::Map<String, Value> = fs::read_to_string(path)?
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace();
            let (name, calls) = (fields.next()?, fields.next()?);
            let calls: f64 = calls.parse().ok()?;
            (name != "total").then(|| (name.to_owned(), json!(calls / done)))
        })
        .collect();
    Ok(Value::Object(counts))
}
