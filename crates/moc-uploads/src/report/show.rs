//! The metrics for people and for scripts.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanBytes;
use serde_json::json;

use super::Report;
use super::wire::Metrics;
use crate::upload::{escape, json_line};

/// Characters of the longest bar.
const BAR_WIDTH: u64 = 40;

/// One line: the range, its metrics, and those of each day.
pub(super) fn json(report: &Report) -> String {
    let days: Vec<_> = report
        .days
        .iter()
        .map(|(day, metrics)| json!({ "from": day.from, "to": day.to, "metrics": metrics }))
        .collect();
    json_line(&json!({
        "from": report.from,
        "to": report.to,
        "userId": report.user_id,
        "metrics": report.metrics,
        "days": days,
    }))
}

/// A line for each day. What is not there is empty.
pub(super) fn csv(report: &Report) -> String {
    let mut text = "day,sessions_created,sessions_finalized,sessions_failed,session_success_rate,\
                    files_registered,files_completed,bytes_uploaded,average_upload_time_ms,\
                    p50_upload_time_ms,p95_upload_time_ms,p99_upload_time_ms\n"
        .to_owned();
    for (day, metrics) in &report.days {
        let times = &metrics.upload_time_ms;
        let cells = [
            day.from.utc_day(),
            metrics.sessions_created.to_string(),
            metrics.sessions_finalized.to_string(),
            metrics.sessions_failed.to_string(),
            cell(metrics.session_success_rate),
            metrics.files_registered.to_string(),
            metrics.files_completed.to_string(),
            metrics.bytes_uploaded.to_string(),
            cell(metrics.average_upload_time_ms),
            cell(times.p50),
            cell(times.p95),
            cell(times.p99),
        ];
        text += &cells.join(",");
        text.push('\n');
    }
    text
}

fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// Two tables and a chart.
pub(super) fn table(report: &Report) -> String {
    let of_user = report.user_id.as_deref().map(escape);
    let of_user = of_user.map_or_else(String::new, |user| format!(", sessions of {user}"));
    let mut text = format!("{} to {}{of_user}\n\n", report.from, report.to);
    text += &metrics_table(&report.metrics).to_string();
    if !report.metrics.common_failure_points.is_empty() {
        text += "\n\nWhy sessions failed\n";
        text += &failures_table(&report.metrics).to_string();
    }
    text += "\n\nSessions per day\n";
    text += &chart(report);
    text
}

fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

fn metrics_table(metrics: &Metrics) -> Table {
    let times = &metrics.upload_time_ms;
    let mut table = new_table();
    table.add_rows([
        ["Sessions created", &metrics.sessions_created.to_string()],
        ["  finalized", &metrics.sessions_finalized.to_string()],
        ["  failed", &metrics.sessions_failed.to_string()],
        ["  success rate", &share(metrics.session_success_rate)],
        ["Files registered", &metrics.files_registered.to_string()],
        ["  completed", &metrics.files_completed.to_string()],
        [
            "  uploaded",
            &HumanBytes(metrics.bytes_uploaded).to_string(),
        ],
        [
            "Upload time of a file, mean",
            &time(metrics.average_upload_time_ms),
        ],
        ["  half took at most", &time(times.p50.map(|ms| ms as f64))],
        ["  95 % took at most", &time(times.p95.map(|ms| ms as f64))],
        ["  99 % took at most", &time(times.p99.map(|ms| ms as f64))],
    ]);
    align(table)
}

fn failures_table(metrics: &Metrics) -> Table {
    let mut table = new_table();
    for point in &metrics.common_failure_points {
        table.add_row([
            escape(&point.reason),
            point.count.to_string(),
            share(Some(point.share)),
        ]);
    }
    align(table)
}

/// Numbers to the right.
fn align(mut table: Table) -> Table {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn chart(report: &Report) -> String {
    let created = report
        .days
        .iter()
        .map(|(_, metrics)| metrics.sessions_created);
    let most = created.max().unwrap_or(0).max(1);
    let lines = report.days.iter().map(|(day, metrics)| {
        let count = metrics.sessions_created;
        let bar = bar(count, most);
        let gap = if bar.is_empty() { "" } else { " " };
        format!("{} {bar}{gap}{count}\n", day.from.utc_day())
    });
    lines.collect()
}

/// In eighths of a character; what is not nothing shows.
fn bar(count: u64, most: u64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let scaled = u128::from(count) * u128::from(BAR_WIDTH * 8) / u128::from(most);
    let eighths = usize::try_from(scaled)
        .unwrap_or(0)
        .max(usize::from(count > 0));
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

fn share(share: Option<f64>) -> String {
    share.map_or_else(nothing, |share| format!("{:.1} %", share * 100.0))
}

fn time(ms: Option<f64>) -> String {
    ms.map_or_else(nothing, |ms| {
        if ms < 1000.0 {
            format!("{ms:.0} ms")
        } else {
            let seconds = Duration::from_millis(ms as u64).as_secs_f64();
            format!("{seconds:.1} s")
        }
    })
}

fn nothing() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_is_full_and_the_shortest_shows() {
        assert_eq!(bar(0, 1), "");
        assert_eq!(bar(7, 7), "█".repeat(40));
        assert_eq!(bar(1, 1_000_000), "▏");
        assert_eq!(bar(1, 80), "▌");
        assert_eq!(bar(u64::MAX, u64::MAX).chars().count(), 40);
    }
}
