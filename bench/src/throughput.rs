//! How much of a bare server's throughput is left when records are kept.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::json;

use crate::http_client::Connection;
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, join_all, part_body, part_len};
use crate::{GIB, MIB, Result};

const GOAL: f64 = 0.9;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Size of the file, in MiB.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(5..=4096))]
    size_mib: u64,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    connections: Vec<u32>,
}

/// Of one contender with one number of connections.
#[derive(Default)]
struct Measured {
    mib_per_second: Samples,
    cpu_seconds_per_gib: Samples,
}

#[derive(Clone, Copy)]
enum Contender {
    Real,
    Bare,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let size = args.size_mib * MIB;
    let runs = u64::from(args.rounds) * args.connections.len() as u64 * 2;
    let mut scratch = Scratch::new(runs * size)?;
    scratch.fill_page_cache()?;
    let body = part_body();

    let mut rows = Vec::new();
    let mut results = Vec::new();
    let mut ratios = Vec::new();
    for &connections in &args.connections {
        let (mut real, mut bare) = (Measured::default(), Measured::default());
        for round in 0..args.rounds {
            let mut order = [Contender::Real, Contender::Bare];
            if round % 2 == 1 {
                order.reverse();
            }
            for contender in order {
                let measured = match contender {
                    Contender::Real => &mut real,
                    Contender::Bare => &mut bare,
                };
                measure(contender, &mut scratch, size, connections, &body, measured)?;
            }
        }
        let ratio = real.mib_per_second.ratio_to(&bare.mib_per_second);
        let cpu_ratio = real.cpu_seconds_per_gib.ratio_to(&bare.cpu_seconds_per_gib);
        for (name, measured) in [("moc-uploads", &real), ("bare", &bare)] {
            rows.push(vec![
                connections.to_string(),
                name.to_owned(),
                measured.mib_per_second.text(0),
                measured.cpu_seconds_per_gib.text(2),
            ]);
        }
        rows.push(vec![
            connections.to_string(),
            "ratio".to_owned(),
            ratio.text(2),
            cpu_ratio.text(2),
        ]);
        results.push(json!({
            "connections": connections,
            "realMibPerSecond": real.mib_per_second.json(),
            "bareMibPerSecond": bare.mib_per_second.json(),
            "ratio": ratio.json(),
            "realCpuSecondsPerGib": real.cpu_seconds_per_gib.json(),
            "bareCpuSecondsPerGib": bare.cpu_seconds_per_gib.json(),
        }));
        ratios.push((connections, ratio.median()));
    }

    print_table(
        &["connections", "server", "MiB/s", "server CPU s/GiB"],
        &rows,
    );
    for (connections, ratio) in ratios {
        let what = format!("ratio with {connections} connections");
        print_goal(&what, ratio, GOAL, true);
    }
    write_json(
        "throughput",
        &json!({ "sizeBytes": size, "goal": GOAL, "runs": results }),
    )
}

fn measure(
    contender: Contender,
    scratch: &mut Scratch,
    size: u64,
    connections: u32,
    body: &[u8],
    measured: &mut Measured,
) -> Result<()> {
    let dir = scratch.fresh()?;
    let (server, seconds, cpu_seconds) = match contender {
        Contender::Real => {
            let max_mib = size.div_ceil(MIB).to_string();
            let server = Server::real(&dir, &[("UPLOAD_PDF_MAX_MB", &max_mib)])?;
            let caller = Caller::new("alice")?;
            let cpu_before = server.cpu_seconds()?;
            let started = Instant::now();
            upload(&server, &caller, size, connections, body)?;
            let seconds = started.elapsed().as_secs_f64();
            let cpu_seconds = server.cpu_seconds()? - cpu_before;
            (server, seconds, cpu_seconds)
        }
        Contender::Bare => {
            let server = Server::bare(&dir)?;
            let cpu_before = server.cpu_seconds()?;
            let started = Instant::now();
            put_bodies(&server, size, connections, body)?;
            let seconds = started.elapsed().as_secs_f64();
            let cpu_seconds = server.cpu_seconds()? - cpu_before;
            (server, seconds, cpu_seconds)
        }
    };
    measured
        .mib_per_second
        .push(size as f64 / MIB as f64 / seconds);
    measured
        .cpu_seconds_per_gib
        .push(cpu_seconds * GIB as f64 / size as f64);
    server.stop()
}

/// The whole of it: session, registration, parts and completion are in the time.
fn upload(
    server: &Server,
    caller: &Caller,
    size: u64,
    connections: u32,
    body: &[u8],
) -> Result<()> {
    let mut connection = Connection::open(server.addr)?;
    let session = caller.create(&mut connection, size)?;
    let file = caller.register(&mut connection, &session)?;
    let etags = caller.put_all_parts(server.addr, &file, connections, body)?;
    caller.complete(&mut connection, &file, &etags)
}

/// The same bodies, a PUT each.
fn put_bodies(server: &Server, size: u64, connections: u32, body: &[u8]) -> Result<()> {
    let next = AtomicU32::new(1);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    let mut connection = Connection::open(server.addr)?;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(length) = part_len(size, number) else {
                            return Ok(());
                        };
                        connection
                            .request("PUT", &format!("/{number}"), "", &body[..length])?
                            .expect_success()?;
                    }
                })
            })
            .collect();
        join_all(workers)
    })?;
    Ok(())
}
