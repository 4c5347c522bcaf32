//! How much one replica takes in for a bucket, beside what the bucket takes from the same clients
//! without it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use moc_uploads_testkit::postgres::Database;
use moc_uploads_testkit::s3::{Bucket, Swift};
use serde_json::json;

use crate::http_client::Connection;
use crate::report::{Samples, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, join_all, part_body, part_len};
use crate::{GIB, MIB, Result};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Size of the file, in MiB. The bucket may be in memory.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(5..=1024))]
    size_mib: u64,
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8])]
    connections: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Through,
    Straight,
}

#[derive(Default)]
struct Measured {
    mib_per_second: Samples,
    parts_per_second: Samples,
    cpu_seconds_per_gib: Samples,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let size = args.size_mib * MIB;
    let mut scratch = Scratch::new(size)?;
    let (database, bucket) = (Database::empty(), Bucket::on(Swift::private()));
    let mut settings = vec![
        ("UPLOAD_PDF_MAX_MB", args.size_mib.to_string()),
        ("RATE_LIMIT_BYPASS", "true".to_owned()),
        ("DATABASE_URL", database.url()),
    ];
    settings.extend(bucket.variables());
    let settings: Vec<_> = settings.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let server = Server::real(&scratch.fresh()?, &settings)?;
    let body = part_body();

    let (mut rows, mut results) = (Vec::new(), Vec::new());
    for &connections in &args.connections {
        let (mut through, mut straight) = (Measured::default(), Measured::default());
        for round in 0..args.rounds {
            let mut order = [Way::Through, Way::Straight];
            if round % 2 == 1 {
                order.reverse();
            }
            for way in order {
                let measured = match way {
                    Way::Through => &mut through,
                    Way::Straight => &mut straight,
                };
                measure(&server, way, size, connections, &body, measured)?;
            }
        }
        let ratio = through.mib_per_second.ratio_to(&straight.mib_per_second);
        for (name, measured) in [("through the replica", &through), ("straight", &straight)] {
            rows.push(vec![
                connections.to_string(),
                name.to_owned(),
                measured.mib_per_second.text(0),
                measured.parts_per_second.text(1),
                measured.cpu_seconds_per_gib.text(2),
            ]);
        }
        let nothing = || "-".to_owned();
        rows.push(vec![
            connections.to_string(),
            "ratio".to_owned(),
            ratio.text(2),
            nothing(),
            nothing(),
        ]);
        results.push(json!({
            "connections": connections,
            "throughMibPerSecond": through.mib_per_second.json(),
            "throughPartsPerSecond": through.parts_per_second.json(),
            "straightMibPerSecond": straight.mib_per_second.json(),
            "ratio": ratio.json(),
            "replicaCpuSecondsPerGib": through.cpu_seconds_per_gib.json(),
        }));
    }
    server.stop()?;
    print_table(
        &[
            "connections",
            "way",
            "MiB/s",
            "parts/s",
            "replica CPU s/GiB",
        ],
        &rows,
    );
    write_json("replica", &json!({ "sizeBytes": size, "runs": results }))
}

/// Session, registration, parts and completion are in the time; freeing it all is not.
fn measure(
    server: &Server,
    way: Way,
    size: u64,
    connections: u32,
    body: &[u8],
    measured: &mut Measured,
) -> Result<()> {
    let caller = Caller::new("alice")?;
    let mut connection = Connection::open(server.addr)?;
    let part_count = (1..).map_while(|n| part_len(size, n)).count();
    let cpu_before = server.cpu_seconds()?;
    let started = Instant::now();
    let session = caller.create(&mut connection, size)?;
    let (file, etags) = if way == Way::Through {
        let file = caller.register(&mut connection, &session)?;
        let etags = caller.put_all_parts(server.addr, &file, connections, body)?;
        (file, etags)
    } else {
        let (file, urls) = caller.register_presigned(&mut connection, &session, part_count)?;
        let etags = put_straight(&urls, size, connections, body)?;
        (file, etags)
    };
    caller.complete(&mut connection, &file, &etags)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = server.cpu_seconds()? - cpu_before;
    caller.cancel(&mut connection, &session)?;
    measured
        .mib_per_second
        .push(size as f64 / MIB as f64 / seconds);
    measured.parts_per_second.push(part_count as f64 / seconds);
    measured
        .cpu_seconds_per_gib
        .push(cpu_seconds * GIB as f64 / size as f64);
    Ok(())
}

/// The next free connection sends the next part; their ETags, in order.
fn put_straight(
    urls: &[(SocketAddr, String)],
    size: u64,
    connections: u32,
    body: &[u8],
) -> Result<Vec<String>> {
    let next = AtomicUsize::new(0);
    let mut received: Vec<(usize, String)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| -> Result<Vec<(usize, String)>> {
                    let mut connection = Connection::open(urls[0].0)?;
                    let mut received = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some((_, path)) = urls.get(index) else {
                            return Ok(received);
                        };
                        let length = part_len(size, index as u32 + 1).unwrap_or(0);
                        let answer = connection.request("PUT", path, "", &body[..length])?;
                        answer.expect_success()?;
                        received.push((index, answer.etag.ok_or("a part without an ETag")?));
                    }
                })
            })
            .collect();
        join_all(workers)
    })?
    .concat();
    received.sort_unstable();
    Ok(received.into_iter().map(|(_, etag)| etag).collect())
}
