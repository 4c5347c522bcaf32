//! Numbers as people and programs read them.

use std::fs;

use serde_json::{Value, json};

use crate::{Result, scratch};

/// Repeated measurements of one thing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    /// Between 0 and 1; not a number when there are no samples.
    pub(crate) fn quantile(&self, q: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let index = (q * last as f64).round() as usize;
        sorted.get(index).copied().unwrap_or(f64::NAN)
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Sample by sample, as they were taken in the same round.
    pub(crate) fn ratio_to(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }

    /// Median, least and greatest.
    pub(crate) fn text(&self, digits: usize) -> String {
        format!(
            "{:.digits$} ({:.digits$}..{:.digits$})",
            self.median(),
            self.quantile(0.0),
            self.quantile(1.0)
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "median": self.median(),
            "min": self.quantile(0.0),
            "max": self.quantile(1.0),
            "samples": self.0,
        })
    }
}

/// Prints rows under their heads, columns aligned.
pub(crate) fn print_table(heads: &[&str], rows: &[Vec<String>]) {
    let width_of = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain([heads[column].chars().count()])
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width_of).collect();
    let print_row = |cells: Vec<&str>| {
        let line: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        println!("{}", line.join("  ").trim_end());
    };
    print_row(heads.to_vec());
    for row in rows {
        print_row(row.iter().map(String::as_str).collect());
    }
}

/// Says whether a goal was reached.
pub(crate) fn print_goal(what: &str, value: f64, goal: f64, at_least: bool) {
    let (reached, sign) = if at_least {
        (value >= goal, "at least")
    } else {
        (value <= goal, "at most")
    };
    let verdict = if reached { "reached" } else { "MISSED" };
    println!("goal {verdict}: {what} {value:.2}, {sign} {goal}");
}

/// Writes `target/bench/<name>.json`.
pub(crate) fn write_json(name: &str, result: &Value) -> Result<()> {
    let path = scratch::output_dir()?.join(format!("{name}.json"));
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let report = json!({
        "bench": name,
        "version": env!("CARGO_PKG_VERSION"),
        "machine": { "cpus": cpus, "kernel": kernel.trim() },
        "result": result,
    });
    fs::write(&path, serde_json::to_string_pretty(&report)? + "\n")?;
    println!("written to {}", path.display());
    Ok(())
}
