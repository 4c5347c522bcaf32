//! Resumable upload sessions for MOC instructions: the server and its upload client.

mod analytics;
mod cli;
mod commands;
mod config;
mod doctor;
mod failure;
mod lifecycle;
mod log_json;
mod logging;
mod sdk;
mod serve;
mod traces;
mod upload;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

/// Requests make many small allocations on several threads, and the system's allocator spends a
/// tenth of the server's time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    commands::run(cli::Cli::parse())
}
