//! How many sessions a second go from creation to a completed file on PostgreSQL, and how many
//! times a second `pgbench` commits as many single rows on the same server.

use std::fs;
use std::path::Path;

use moc_uploads_testkit::postgres::Cluster;
use serde_json::json;

use crate::lifecycle::{FILE_BYTES, Run, run_real};
use crate::report::{Samples, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, part_body};
use crate::{GIB, Result};

/// Statements of a lifecycle that write: create, register, record, complete. It has three more that
/// only read.
const COMMITS: usize = 4;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// How long each run takes, in seconds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Clients, and connections to the database.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=256))]
    clients: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut scratch = Scratch::new(4 * GIB)?;
    let cluster_dir = scratch.fresh()?;
    let cluster = Cluster::durable(&cluster_dir);
    cluster.psql("postgres", "CREATE DATABASE moc");
    cluster.psql(
        "postgres",
        "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY, body text)",
    );
    let script = cluster_dir.join("commits.sql");
    let insert = "INSERT INTO bare (body) VALUES (repeat('x', 500));\n";
    fs::write(&script, insert.repeat(COMMITS))?;

    let (url, clients) = (cluster.url("moc"), args.clients.to_string());
    let settings = [
        ("DATABASE_URL", url.as_str()),
        ("DATABASE_MAX_CONNECTIONS", clients.as_str()),
        ("RATE_LIMIT_BYPASS", "true"),
    ];
    let body = &part_body()[..FILE_BYTES as usize];
    let callers: Vec<Caller> = (0..args.clients)
        .map(|client| Caller::new(&format!("user-{client}")))
        .collect::<Result<_>>()?;
    // All rounds on one server: its files belong to its database.
    let server = Server::real(&scratch.fresh()?, &settings)?;
    let (mut lifecycles, mut cpu_ms, mut commits) =
        (Samples::default(), Samples::default(), Samples::default());
    for round in 0..args.rounds {
        for turn in 0..2 {
            if (round + turn) % 2 == 0 {
                let Run {
                    per_second,
                    cpu_ms_each,
                    ..
                } = run_real(&server, &callers, body, args.seconds)?;
                lifecycles.push(per_second);
                cpu_ms.push(cpu_ms_each);
            } else {
                commits.push(pgbench(&cluster, &script, args)?);
            }
        }
    }
    server.stop()?;
    report(&lifecycles, &cpu_ms, &commits)
}

/// Scripts a second.
fn pgbench(cluster: &Cluster, script: &Path, args: &Args) -> Result<f64> {
    let output = cluster
        .pgbench_command("postgres")
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .args(["--client", &args.clients.to_string()])
        .args(["--time", &args.seconds.to_string()])
        .arg("--file")
        .arg(script)
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let tps = line.and_then(|line| line.split(' ').next());
    let error = || String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(tps.ok_or_else(error)?.parse()?)
}

fn report(lifecycles: &Samples, cpu_ms: &Samples, commits: &Samples) -> Result<()> {
    let ratio = lifecycles.ratio_to(commits);
    print_table(
        &["on one PostgreSQL", "per second", "server CPU ms each"],
        &[
            vec![
                "moc-uploads, lifecycles".to_owned(),
                lifecycles.text(0),
                cpu_ms.text(3),
            ],
            vec![
                format!("pgbench, {COMMITS} single-row commits"),
                commits.text(0),
                "-".to_owned(),
            ],
            vec!["ratio".to_owned(), ratio.text(3), "-".to_owned()],
        ],
    );
    write_json(
        "postgres",
        &json!({
            "lifecyclesPerSecond": lifecycles.json(),
            "pgbenchPerSecond": commits.json(),
            "commits": COMMITS,
            "ratio": ratio.json(),
            "realCpuMsEach": cpu_ms.json(),
        }),
    )
}
