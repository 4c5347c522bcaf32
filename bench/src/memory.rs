//! How much memory the server takes at most.

use std::sync::Barrier;

use serde_json::json;

use crate::http_client::Connection;
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, FileUpload, join_all, part_body};
use crate::{GIB, MIB, Result};

const GOAL_MIB: f64 = 64.0;
const CONNECTIONS: u32 = 64;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured, on a fresh server.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let cases = [
        ("64 parts at once, files of 50 MiB", 50 * MIB, 16),
        ("64 parts at once, files of 1 GiB", GIB, 2),
    ];
    let bytes: u64 = cases.iter().map(|(_, size, files)| size * files).sum();
    let mut scratch = Scratch::new(bytes * u64::from(args.rounds))?;
    let body = part_body();

    let mut rows = Vec::new();
    let mut results = Vec::new();
    let mut peaks = Vec::new();
    for (name, size, file_count) in cases {
        let mut peak = Samples::default();
        let mut idle = Samples::default();
        for _ in 0..args.rounds {
            let dir = scratch.fresh()?;
            let server = Server::real(&dir, &[("UPLOAD_PDF_MAX_MB", "1024")])?;
            idle.push(server.peak_rss_kib()? as f64 / 1024.0);
            upload(&server, size, file_count, &body)?;
            peak.push(server.peak_rss_kib()? as f64 / 1024.0);
            server.stop()?;
        }
        rows.push(vec![name.to_owned(), idle.text(1), peak.text(1)]);
        results.push(json!({
            "case": name,
            "idlePeakMib": idle.json(),
            "peakMib": peak.json(),
        }));
        peaks.push((name, peak.quantile(1.0)));
    }
    print_table(&["case", "after start, MiB", "peak RSS, MiB"], &rows);
    for (name, peak) in peaks {
        print_goal(&format!("{name}, MiB"), peak, GOAL_MIB, false);
    }
    write_json("memory", &json!({ "goalMib": GOAL_MIB, "cases": results }))
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
