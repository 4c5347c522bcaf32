//! The command line of the real binary, as a person and as a script see it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "cli/once.rs"]
mod once;

use std::path::Path;
use std::process::{Command, Output};

use moc_uploads_testkit::server::{Server, command, stores};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

/// The binary with an environment of its own; it touches no files unless a test says where.
fn moc_uploads(args: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(BINARY)
        .args(args)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn succeeds(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

fn on_data(args: &[&str], data_dir: &Path, variables: &[(&str, &str)]) -> Output {
    command(BINARY, data_dir)
        .args(args)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn migrate_and_seed_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let stores = stores(folder.path());
    let session_count = || stores.sql("SELECT count(*) FROM upload_sessions");
    for _ in 0..2 {
        let output = on_data(&["migrate"], folder.path(), &[]);
        assert!(succeeds(&output).contains("up to date"));
    }
    assert_eq!(session_count(), "0");
    let mut counts = Vec::new();
    for _ in 0..2 {
        succeeds(&on_data(&["seed"], folder.path(), &[]));
        counts.push(session_count());
    }
    assert_ne!(counts[0], "0");
    assert_eq!(counts[0], counts[1]);
}

/// Sessions of three days, a day without any between them: `[day, hour, type, metadata]`.
const EVENTS: &[(u32, u32, &str, &str)] = &[
    (25, 9, "session_created", "{}"),
    (25, 9, "file_registered", "{}"),
    (
        25,
        9,
        "file_completed",
        r#"{"elapsed_time_ms": 900, "total_size_bytes": 1048576}"#,
    ),
    (25, 10, "session_finalized", "{}"),
    (25, 11, "session_created", "{}"),
    (
        25,
        12,
        "session_failed",
        r#"{"failure_reason": "SESSION_EXPIRED"}"#,
    ),
    (25, 13, "session_created", "{}"),
    (
        25,
        14,
        "session_failed",
        r#"{"failure_reason": "CANCELLED"}"#,
    ),
    (27, 9, "session_created", "{}"),
    (27, 9, "file_registered", "{}"),
    (
        27,
        9,
        "file_completed",
        r#"{"elapsed_time_ms": 61500, "total_size_bytes": 4096}"#,
    ),
    (
        27,
        10,
        "session_failed",
        r#"{"failure_reason": "CANCELLED"}"#,
    ),
    (27, 11, "session_created", "{}"),
];

/// A development server, which needs no token, and its data with [`EVENTS`].
fn server_with_events() -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(BINARY, folder.path(), &[]);
    let stores = stores(folder.path());
    let time = |day, hour| match stores.database {
        Some(_) => format!("'2026-01-{day} {hour:02}:00Z'"),
        None => format!("unixepoch('2026-01-{day} {hour:02}:00') * 1000"),
    };
    let mut sql = String::new();
    let mut sessions = 0;
    for (number, (day, hour, event_type, metadata)) in (0..).zip(EVENTS) {
        let at = time(*day, *hour);
        if *event_type == "session_created" {
            sessions += 1;
            sql += &format!(
                "INSERT INTO upload_sessions (id, user_id, status, expires_at, created_at, updated_at)
                 VALUES ('{}', 'auth0|alice', 'completed', {at}, {at}, {at});",
                id(sessions)
            );
        }
        sql += &format!(
            "INSERT INTO upload_session_analytics
               (event_id, session_id, event_type, metadata, created_at)
             VALUES ('{}', '{}', '{event_type}', '{metadata}', {at});",
            id(number),
            id(sessions)
        );
    }
    stores.sql(&sql);
    (folder, server)
}

fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

#[test]
fn analytics_are_a_table_and_a_chart_for_people_and_lines_for_scripts() {
    let (_folder, server) = server_with_events();
    let url = server.url();
    let range = ["--from", "2026-01-25", "--to", "2026-01-28"];
    let analytics = |more: &[&str]| {
        let args = [&["analytics", "--server", &url], &range[..], more].concat();
        let output = moc_uploads(&args, &[]);
        assert_eq!(text(&output.stderr), "");
        succeeds(&output).to_owned()
    };
    insta::assert_snapshot!("analytics_table", analytics(&[]));
    insta::assert_snapshot!("analytics_csv", analytics(&["--csv"]));
    let json: Value = serde_json::from_str(&analytics(&["--json"])).unwrap();
    insta::assert_json_snapshot!("analytics_json", json);
    insta::assert_snapshot!("analytics_of_nobody", analytics(&["--user", "auth0|bob"]));
    let nothing = ["--user", "auth0|bob", "--csv"];
    insta::assert_snapshot!("analytics_of_nobody_csv", analytics(&nothing));
}
