//! Measures moc-uploads on this machine: each subcommand answers one question, prints a table and
//! writes `target/bench/<name>.json`. What is compared runs as processes of their own, in turns.
#![expect(
    clippy::print_stdout,
    reason = "a table on the terminal is the product"
)]

mod analytics;
mod bare;
mod build;
mod complete;
mod duplicates;
mod events;
mod http_client;
mod lifecycle;
mod memory;
mod postgres;
mod proc;
mod replica;
mod report;
mod scratch;
mod server;
mod session;
mod throughput;

use clap::{Parser, Subcommand};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

/// Speed and memory of moc-uploads, as ratios to a bare server in the same run.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// 1 GiB in 5 MiB parts over 1 and 8 connections.
    Throughput(throughput::Args),
    /// Peak memory of the server with 64 concurrent parts.
    Memory(memory::Args),
    /// Create, register, one 64 KiB part, complete: per second, with 16 clients.
    Lifecycle(lifecycle::Args),
    /// Lifecycles on PostgreSQL, as a ratio to bare commits on the same server.
    Postgres(postgres::Args),
    /// What one replica takes in for a bucket, beside what the bucket takes straight.
    Replica(replica::Args),
    /// Time to complete a file of 1 MiB and one of 1 GiB.
    Complete(complete::Args),
    /// Lifecycles with analytics on, off, and with its table locked by somebody else.
    Events(events::Args),
    /// Reports over millions of events.
    Analytics(analytics::Args),
    /// The duplicate check with a thousand and with a million completed files.
    Duplicates(duplicates::Args),
    /// Cost of a cold release build and of a debug build after a one-line edit.
    Build(build::Args),
    /// The server that the others are compared with.
    #[command(hide = true)]
    Bare(bare::Args),
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Throughput(args) => throughput::run(&args),
        Command::Memory(args) => memory::run(&args),
        Command::Lifecycle(args) => lifecycle::run(&args),
        Command::Postgres(args) => postgres::run(&args),
        Command::Replica(args) => replica::run(&args),
        Command::Complete(args) => complete::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Analytics(args) => analytics::run(&args),
        Command::Duplicates(args) => duplicates::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Bare(args) => bare::run(&args),
    }
}
