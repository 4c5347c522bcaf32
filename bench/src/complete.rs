//! Whether completing a file takes longer the larger it is.

use std::time::Instant;

use serde_json::json;

use crate::http_client::Connection;
use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::{Caller, part_body};
use crate::{GIB, MIB, Result};

/// The large file has 205 parts to check and the small one has 1: "about the same" leaves room for
/// that, and none for the bytes.
const GOAL_RATIO: f64 = 3.0;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often each is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let rounds = u64::from(args.rounds);
    let mut scratch = Scratch::new(rounds * (GIB + MIB))?;
    scratch.fill_page_cache()?;
    let body = part_body();
    let dir = scratch.fresh()?;
    let server = Server::real(&dir, &[("UPLOAD_PDF_MAX_MB", "1024")])?;
    let caller = Caller::new("alice")?;
    let mut connection = Connection::open(server.addr)?;

    let (mut small, mut large) = (Samples::default(), Samples::default());
    for _ in 0..rounds {
        for (size, samples) in [(MIB, &mut small), (GIB, &mut large)] {
            let session = caller.create(&mut connection, size)?;
            let file = caller.register(&mut connection, &session)?;
            let etags = caller.put_all_parts(server.addr, &file, 4, &body)?;
            let started = Instant::now();
            caller.complete(&mut connection, &file, &etags)?;
            samples.push(started.elapsed().as_secs_f64() * 1000.0);
        }
    }
    server.stop()?;

    let ratio = large.ratio_to(&small);
    print_table(
        &["file", "complete, ms"],
        &[
            vec!["1 MiB, 1 part".to_owned(), small.text(2)],
            vec!["1 GiB, 205 parts".to_owned(), large.text(2)],
            vec!["ratio".to_owned(), ratio.text(2)],
        ],
    );
    print_goal("1 GiB to 1 MiB", ratio.median(), GOAL_RATIO, false);
    write_json(
        "complete",
        &json!({
            "smallMs": small.json(),
            "largeMs": large.json(),
            "ratio": ratio.json(),
            "goalRatio": GOAL_RATIO,
        }),
    )
}
