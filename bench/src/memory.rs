//! How much memory the server takes at most.

use std::sync::Barrier;

use moc_uploads_testkit::postgres::Database;
use moc_uploads_testkit::s3::{Bucket, Swift};
use serde_json::json;

use crate::http_client::Connection;
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, FileUpload, join_all, part_body};
use crate::{GIB, MIB, Result};

const CONNECTIONS: u32 = 64;

struct Case {
    name: &'static str,
    file_bytes: u64,
    file_count: u64,
    /// A replica, with its rows in PostgreSQL and its files in a bucket.
    is_replica: bool,
    goal_mib: f64,
}

const CASES: [Case; 3] = [
    Case {
        name: "64 parts at once, files of 50 MiB",
        file_bytes: 50 * MIB,
        file_count: 16,
        is_replica: false,
        goal_mib: 64.0,
    },
    Case {
        name: "64 parts at once, files of 1 GiB",
        file_bytes: GIB,
        file_count: 2,
        is_replica: false,
        goal_mib: 64.0,
    },
    Case {
        name: "64 parts at once to S3, files of 50 MiB",
        file_bytes: 50 * MIB,
        file_count: 16,
        is_replica: true,
        goal_mib: 96.0,
    },
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured, on a fresh server.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Only a replica, with PostgreSQL and S3.
    #[arg(long)]
    s3: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let cases = || CASES.iter().filter(|case| case.is_replica || !args.s3);
    let bytes: u64 = cases()
        .filter(|case| !case.is_replica)
        .map(|case| case.file_bytes * case.file_count)
        .sum();
    let mut scratch = Scratch::new(bytes * u64::from(args.rounds))?;
    let body = part_body();

    let mut rows = Vec::new();
    let mut results = Vec::new();
    let mut peaks = Vec::new();
    for case in cases() {
        let mut peak = Samples::default();
        let mut idle = Samples::default();
        for _ in 0..args.rounds {
            let [before, after] = measure(case, &mut scratch, &body)?;
            idle.push(before);
            peak.push(after);
        }
        rows.push(vec![case.name.to_owned(), idle.text(1), peak.text(1)]);
        results.push(json!({
            "case": case.name,
            "goalMib": case.goal_mib,
            "idlePeakMib": idle.json(),
            "peakMib": peak.json(),
        }));
        peaks.push((case, peak.quantile(1.0)));
    }
    print_table(&["case", "after start, MiB", "peak RSS, MiB"], &rows);
    for (case, peak) in peaks {
        print_goal(&format!("{}, MiB", case.name), peak, case.goal_mib, false);
    }
    write_json("memory", &json!({ "cases": results }))
}

/// The server's peak after its start and at its end, in MiB.
fn measure(case: &Case, scratch: &mut Scratch, body: &[u8]) -> Result<[f64; 2]> {
    let replica = case
        .is_replica
        .then(|| (Database::empty(), Bucket::on(Swift::private())));
    let mut settings = vec![("UPLOAD_PDF_MAX_MB", "1024".to_owned())];
    if let Some((database, bucket)) = &replica {
        settings.push(("DATABASE_URL", database.url()));
        settings.extend(bucket.variables());
    }
    let settings: Vec<(&str, &str)> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let server = Server::real(&scratch.fresh()?, &settings)?;
    let before = server.peak_rss_kib()? as f64 / 1024.0;
    upload(&server, case.file_bytes, case.file_count, body)?;
    let after = server.peak_rss_kib()? as f64 / 1024.0;
    server.stop()?;
    Ok([before, after])
}

/// Waves of parts, all of a wave half sent before any of it ends.
fn upload(server: &Server, size: u64, file_count: u64, body: &[u8]) -> Result<()> {
    let caller = Caller::new("alice")?;
    let mut connection = Connection::open(server.addr)?;
    let mut files = Vec::new();
    let mut parts = Vec::new();
    for index in 0..file_count as usize {
        let session = caller.create(&mut connection, size)?;
        let file = caller.register(&mut connection, &session)?;
        parts.extend(
            (1..)
                .map_while(|number| file.part_len(number).map(|length| (number, length)))
                .map(|(number, length)| (index, number, length)),
        );
        files.push(file);
    }

    let etags = put_in_waves(server, &caller, &files, &parts, body)?;
    for (index, file) in files.iter().enumerate() {
        let etags: Vec<String> = parts
            .iter()
            .zip(&etags)
            .filter(|((of, ..), _)| *of == index)
            .map(|(_, etag)| etag.clone())
            .collect();
        caller.complete(&mut connection, file, &etags)?;
    }
    Ok(())
}

/// The ETags of `parts`, in order.
fn put_in_waves(
    server: &Server,
    caller: &Caller,
    files: &[FileUpload],
    parts: &[(usize, u32, usize)],
    body: &[u8],
) -> Result<Vec<String>> {
    let connections = CONNECTIONS as usize;
    let barrier = Barrier::new(connections);
    let wave_count = parts.len().div_ceil(connections);
    let columns = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|column| {
                let barrier = &barrier;
                scope.spawn(move || -> Result<Vec<String>> {
                    let mut connection = Connection::open(server.addr);
                    let mut etags = Vec::new();
                    for wave in 0..wave_count {
                        let part = parts.get(wave * connections + column);
                        // Whoever has failed or nothing to send still takes part in the waiting.
                        let (Some((index, number, length)), Ok(connection)) =
                            (part, connection.as_mut())
                        else {
                            barrier.wait();
                            continue;
                        };
                        let body = &body[..*length];
                        let file = &files[*index];
                        let sent =
                            caller.put_part_in_halves(connection, file, *number, body, || {
                                barrier.wait();
                            });
                        etags.push(sent);
                    }
                    connection?;
                    etags.into_iter().collect()
                })
            })
            .collect();
        join_all(workers)
    })?;
    (0..parts.len())
        .map(|index| {
            let etag = columns[index % connections].get(index / connections);
            etag.cloned().ok_or_else(|| "a part was not sent".into())
        })
        .collect()
}
