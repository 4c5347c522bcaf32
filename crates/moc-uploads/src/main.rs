//! Resumable upload sessions for MOC instructions: the server and its upload client.

mod analytics;
mod cli;
mod commands;
mod config;
mod doctor;
mod failure;
mod greeting;
mod lifecycle;
mod log_json;
mod logging;
mod report;
mod sdk;
mod serve;
mod traces;
mod upload;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    commands::run(cli::Cli::parse())
}
