//! What building costs.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::report::{Samples, print_goal, print_table, write_json};
use crate::scratch::{Scratch, workspace_root};
use crate::{GIB, Result, proc};

const GOAL_COLD_CPU_SECONDS: f64 = 800.0;
const GOAL_INCREMENTAL_SECONDS: f64 = 10.0;

/// Where a line is added: at the bottom of the house, and at its top.
const EDITED: [&str; 2] = ["crates/core/src/plan.rs", "crates/moc-uploads/src/main.rs"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How often a line is added and the debug build run again.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Leave out the cold release build.
    #[arg(long)]
    skip_cold: bool,
}

struct Cost {
    seconds: f64,
    cpu_seconds: f64,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut scratch = Scratch::new(6 * GIB)?;
    let source = scratch.fresh()?;
    copy_sources(&source)?;

    let mut rows = Vec::new();
    let cold = if args.skip_cold {
        None
    } else {
        Some(cargo_build(&source, &["--release"])?)
    };
    if let Some(cold) = &cold {
        rows.push(vec![
            "cold, release".to_owned(),
            format!("{:.1}", cold.cpu_seconds),
            format!("{:.1}", cold.seconds),
        ]);
    }

    cargo_build(&source, &[])?;
    let mut worst = 0.0_f64;
    let mut edits = Vec::new();
    for edited in EDITED {
        let (mut seconds, mut cpu_seconds) = (Samples::default(), Samples::default());
        for _ in 0..args.rounds {
            add_line(&source.join(edited))?;
            let cost = cargo_build(&source, &[])?;
            seconds.push(cost.seconds);
            cpu_seconds.push(cost.cpu_seconds);
        }
        worst = worst.max(seconds.median());
        rows.push(vec![
            format!("debug, a line in {edited}"),
            cpu_seconds.text(1),
            seconds.text(1),
        ]);
        edits.push(json!({
            "file": edited,
            "cpuSeconds": cpu_seconds.json(),
            "seconds": seconds.json(),
        }));
    }

    print_table(&["build", "CPU s", "s"], &rows);
    if let Some(cold) = &cold {
        let what = "cold release build, CPU s";
        print_goal(what, cold.cpu_seconds, GOAL_COLD_CPU_SECONDS, false);
    }
    let what = "debug build after a one-line edit, s";
    print_goal(what, worst, GOAL_INCREMENTAL_SECONDS, false);
    write_json(
        "build",
        &json!({
            "coldCpuSeconds": cold.as_ref().map(|cold| cold.cpu_seconds),
            "coldSeconds": cold.as_ref().map(|cold| cold.seconds),
            "edits": edits,
        }),
    )
}

/// What git tracks, as it is in the working tree: the checkout itself is never edited.
fn copy_sources(to: &Path) -> Result<()> {
    let root = workspace_root();
    let listed = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(&root)
        .output()?;
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let source = root.join(name);
        if !source.is_file() {
            continue;
        }
        let target = to.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(source, target)?;
    }
    Ok(())
}

/// Builds the default member, the server. Debug and release builds share nothing.
fn cargo_build(source: &Path, args: &[&str]) -> Result<Cost> {
    let cpu_before = proc::children_cpu_seconds()?;
    let started = Instant::now();
    let status = Command::new("cargo")
        .arg("build")
        .args(args)
        .current_dir(source)
        .env("CARGO_TARGET_DIR", source.join("target"))
        .stdin(Stdio::null())
        .status()?;
    if !status.success() {
        return Err("the build failed".into());
    }
    Ok(Cost {
        seconds: started.elapsed().as_secs_f64(),
        cpu_seconds: proc::children_cpu_seconds()? - cpu_before,
    })
}

/// A line that the compiler can't skip.
fn add_line(path: &Path) -> Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    writeln!(file, "const _: () = assert!(true);")?;
    Ok(())
}
