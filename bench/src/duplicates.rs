//! What the duplicate check costs with many files (CONTRACT section 1.2).

use std::path::Path;
use std::time::Instant;

use moc_uploads_testkit::postgres::Database;
use serde_json::json;

use crate::Result;
use crate::http_client::Connection;
use crate::report::{Samples, print_table, write_json};
use crate::scratch::Scratch;
use crate::server::Server;
use crate::session::Caller;

/// Of every user, in every database.
const FILES_EACH: u32 = 1000;
const FEW_USERS: u32 = 1;
const SIZE: u64 = 5000;
const GIB: u64 = 1 << 30;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Users with a thousand files each, in the large database.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    users: u32,
    /// How often each is measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Checks of a round, one after the other.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    checks: u32,
}

/// A server over a database of so many users.
struct Subject {
    name: String,
    users: u32,
    server: Server,
    median_ms: Samples,
    p99_ms: Samples,
    /// Lives as long as the server.
    _database: Option<Database>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut scratch = Scratch::new(2 * GIB)?;
    let mut subjects = Vec::new();
    for users in [FEW_USERS, args.users] {
        subjects.push(sqlite(&scratch.fresh()?, users)?);
        subjects.push(postgres(&scratch.fresh()?, users)?);
    }
    for round in 0..args.rounds as usize {
        for turn in 0..subjects.len() {
            let index = (round + turn) % 4;
            measure(&mut subjects[index], args.checks)?;
        }
    }
    let mut rows = Vec::new();
    let mut results = serde_json::Map::new();
    for (index, subject) in subjects.iter().enumerate() {
        let few = &subjects[index % 2];
        let ratio = subject.median_ms.ratio_to(&few.median_ms);
        rows.push(vec![
            subject.name.clone(),
            subject.median_ms.text(3),
            subject.p99_ms.text(3),
            ratio.text(3),
        ]);
        let result = json!({
            "medianMs": subject.median_ms.json(), "p99Ms": subject.p99_ms.json(),
            "ratio": ratio.json(),
        });
        results.insert(subject.name.clone(), result);
    }
    print_table(
        &["completed files", "p50 ms", "p99 ms", "p50 to few"],
        &rows,
    );
    for subject in subjects {
        subject.server.stop()?;
    }
    write_json("duplicates", &results.into())
}

/// Requests that find a duplicate: they are answered by the check, and change nothing.
fn measure(subject: &mut Subject, checks: u32) -> Result<()> {
    let mut connection = Connection::open(subject.server.addr)?;
    let mut latencies = Samples::default();
    let callers: Vec<_> = (0..subject.users.min(20))
        .map(|index| {
            let user = u64::from(index) * u64::from(subject.users) / 20;
            Ok((user, Caller::new(&format!("user-{user}"))?))
        })
        .collect::<Result<_>>()?;
    for number in 0..checks {
        let (user, caller) = &callers[number as usize % callers.len()];
        let file = u64::from(number) * 7919 % u64::from(FILES_EACH);
        let hash = format!("{:064x}", user * u64::from(FILES_EACH) + file);
        let start = Instant::now();
        let status = caller.ask_for(&mut connection, SIZE, &hash)?;
        latencies.push(start.elapsed().as_secs_f64() * 1000.0);
        if status != 409 {
            let name = &subject.name;
            return Err(
                format!("{name}: {status} instead of 409 for {hash} of user {user}").into(),
            );
        }
    }
    subject.median_ms.push(latencies.median());
    subject.p99_ms.push(latencies.quantile(0.99));
    Ok(())
}

fn postgres(dir: &Path, users: u32) -> Result<Subject> {
    let database = Database::empty();
    let url = database.url();
    let server = Server::real(dir, &[("DATABASE_URL", &url)])?;
    let count = users * FILES_EACH;
    database.psql(&format!(
        "INSERT INTO upload_sessions (id, user_id, status, expires_at)
         SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           'user-' || n, 'completed', now()
         FROM generate_series(0, {users} - 1) AS n;
         INSERT INTO upload_session_files
           (session_id, user_id, file_key, file_size_bytes, file_hash, status, file_url)
         SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n / {FILES_EACH}), 12, '0'))::uuid,
           'user-' || n / {FILES_EACH}, 'file-' || n, {SIZE}, lpad(to_hex(n), 64, '0'),
           'completed', 'https://files.test/' || n
         FROM generate_series(0, {count} - 1) AS n;
         ANALYZE"
    ));
    let sql = include_str!("../../crates/store-postgres/queries/session_insert.sql");
    let nulls = ["NULL"; 14].join(", ");
    let plan = database.psql(&format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE c AS {sql};
         EXPLAIN EXECUTE c({nulls})"
    ));
    println!("PostgreSQL, {count} files:\n{}", around_index(&plan));
    Ok(subject(
        format!("PostgreSQL, {count}"),
        users,
        server,
        Some(database),
    ))
}

fn sqlite(dir: &Path, users: u32) -> Result<Subject> {
    let server = Server::real(dir, &[])?;
    let count = users * FILES_EACH;
    let db = rusqlite::Connection::open(dir.join("moc-uploads.db"))?;
    db.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {users} - 1)
         INSERT INTO upload_sessions (id, user_id, status, expires_at, created_at, updated_at)
         SELECT printf('00000000-0000-4000-8000-%012x', n), 'user-' || n, 'completed', 0, 0, 0
         FROM r;
         WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {count} - 1)
         INSERT INTO upload_session_files
           (id, session_id, user_id, file_key, file_size_bytes, file_hash, status, file_url,
            created_at, updated_at)
         SELECT printf('00000000-0000-4000-9000-%012x', n),
           printf('00000000-0000-4000-8000-%012x', n / {FILES_EACH}),
           'user-' || (n / {FILES_EACH}), 'file-' || n, {SIZE}, printf('%064x', n), 'completed',
           'https://files.test/' || n, 0, 0
         FROM r;
         COMMIT;
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    let sql = include_str!("../../crates/store-sqlite/queries/duplicate_list.sql");
    let mut explain = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let mut rows = explain.raw_query();
    println!("SQLite, {count} files:");
    while let Some(row) = rows.next()? {
        println!("{}", row.get::<_, String>("detail")?);
    }
    Ok(subject(format!("SQLite, {count}"), users, server, None))
}

fn subject(name: String, users: u32, server: Server, database: Option<Database>) -> Subject {
    Subject {
        name,
        users,
        server,
        median_ms: Samples::default(),
        p99_ms: Samples::default(),
        _database: database,
    }
}

/// The part of a plan that is about files.
fn around_index(plan: &str) -> String {
    let lines: Vec<_> = plan.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.contains("duplicate_detection"));
    let lines = at.map_or(&lines[..], |at| &lines[at..lines.len().min(at + 2)]);
    lines.join("\n")
}
