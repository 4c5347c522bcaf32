//! The command line of the real binary, as a person and as a script see it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;
use std::process::{Command, Output};

use moc_uploads_testkit::server::{Server, command};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");
const SECRET: &str = "0123456789abcdef0123456789abcdef";

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

#[test]
fn help_teaches() {
    for command in [
        "",
        "serve",
        "upload",
        "analytics",
        "migrate",
        "seed",
        "token",
        "config",
        "doctor",
        "completions",
        "sdk generate",
    ] {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let output = moc_uploads(&args, &[]);
        insta::assert_snapshot!(
            format!("help_{}", command.replace(' ', "_")),
            succeeds(&output)
        );
    }
}

#[test]
fn config_shows_what_is_in_force_and_where_it_comes_from() {
    let variables = [
        ("PORT", "8080"),
        ("AUTH_JWT_SECRET", SECRET),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.com"),
        ("RATE_LIMIT_BYPASS", "yes"),
    ];
    let output = moc_uploads(&["config"], &variables);
    insta::assert_snapshot!(succeeds(&output));
    let output = moc_uploads(&["config", "--json"], &variables);
    let json: Value = serde_json::from_str(succeeds(&output)).unwrap();
    insta::assert_json_snapshot!(json);
}

#[test]
fn all_problems_of_the_configuration_are_told_at_once() {
    let variables = [
        ("PORT", "http"),
        ("HOST", "0.0.0.0"),
        ("MOC_BUCKET", "My MOCs"),
        ("UPLOAD_PDF_MAX_MB", "-1"),
        ("DATABASE_URL", "postgres://moc:hunter2@db:port/moc"),
        ("AUTH_BYPASS", "true"),
        ("STAGE", "production"),
    ];
    for args in [&["serve"][..], &[], &["config"]] {
        let output = moc_uploads(args, &variables);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stdout), "");
        let told = text(&output.stderr);
        for name in [
            "PORT=",
            "MOC_BUCKET=",
            "UPLOAD_PDF_MAX_MB=",
            "DATABASE_URL=",
        ] {
            assert_eq!(told.matches(&format!("  {name}")).count(), 1, "{told}");
        }
        // For the stage and for the address.
        assert_eq!(told.matches("  AUTH_BYPASS=true: ").count(), 2, "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn wrong_usage_has_its_own_status() {
    for args in [
        &["no-such-command"][..],
        &["token"],
        &["token", "--sub", ""],
        &["token", "--sub", "a", "--expires-in", "soon"],
        &["completions", "cobol"],
    ] {
        let output = moc_uploads(args, &[("AUTH_JWT_SECRET", SECRET)]);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
    }
    let output = moc_uploads(&["token", "--sub", "alice"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("AUTH_JWT_SECRET"));
}

#[test]
fn no_token_is_made_that_no_server_takes() {
    let long = "a".repeat(256);
    for sub in ["a\u{7}b", &long] {
        let output = moc_uploads(&["token", "--sub", sub], &[("AUTH_JWT_SECRET", SECRET)]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(text(&output.stderr).contains("255"), "{output:?}");
    }
    let short = [("AUTH_JWT_SECRET", "short"), ("HOST", "0.0.0.0")];
    for args in [&["token", "--sub", "alice"][..], &["serve"]] {
        let output = moc_uploads(args, &short);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(text(&output.stderr).contains("32"), "{output:?}");
    }
}

#[test]
fn tokens_carry_what_was_asked_for() {
    let output = moc_uploads(
        &[
            "token",
            "--sub",
            "alice",
            "--role",
            "admin",
            "--expires-in",
            "15m",
        ],
        &[
            ("AUTH_JWT_SECRET", SECRET),
            ("AUTH_ISSUER", "https://issuer"),
            ("AUTH_AUDIENCE", "uploads"),
        ],
    );
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_issuer(&["https://issuer"]);
    validation.set_audience(&["uploads"]);
    let token = jsonwebtoken::decode::<Value>(
        succeeds(&output).trim(),
        &jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes()),
        &validation,
    )
    .unwrap();
    assert_eq!(token.claims["sub"], "alice");
    assert_eq!(token.claims["roles"], serde_json::json!(["admin"]));
    let seconds = |name: &str| token.claims[name].as_i64().unwrap();
    assert_eq!(seconds("exp") - seconds("iat"), 15 * 60);
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = moc_uploads(&["completions", shell], &[]);
        assert!(succeeds(&output).contains("migrate"), "{shell}");
    }
}

fn on_data(args: &[&str], data_dir: &Path, variables: &[(&str, &str)]) -> Output {
    command(BINARY, data_dir)
        .args(args)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn session_count(data_dir: &Path) -> u32 {
    rusqlite::Connection::open(data_dir.join("moc-uploads.db"))
        .unwrap()
        .query_row("SELECT count(*) FROM upload_sessions", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn migrate_and_seed_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = on_data(&["migrate"], folder.path(), &[]);
        assert!(succeeds(&output).contains("up to date"));
    }
    assert_eq!(session_count(folder.path()), 0);
    let mut counts = Vec::new();
    for _ in 0..2 {
        succeeds(&on_data(&["seed"], folder.path(), &[]));
        counts.push(session_count(folder.path()));
    }
    assert!(counts[0] > 0);
    assert_eq!(counts[0], counts[1]);
}

#[test]
fn seed_is_refused_in_production() {
    let folder = tempfile::tempdir().unwrap();
    for stage in ["production", "prod", "PROD"] {
        let output = on_data(&["seed"], folder.path(), &[("STAGE", stage)]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("STAGE"));
    }
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
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
    let db = rusqlite::Connection::open(folder.path().join("moc-uploads.db")).unwrap();
    let mut sessions = 0;
    for (number, (day, hour, event_type, metadata)) in EVENTS.iter().enumerate() {
        let at = format!("unixepoch('2026-01-{day} {hour:02}:00') * 1000");
        if *event_type == "session_created" {
            sessions += 1;
            let insert = format!(
                "INSERT INTO upload_sessions (id, user_id, status, expires_at, created_at, updated_at)
                 VALUES (?1, 'auth0|alice', 'completed', 0, {at}, 0)"
            );
            db.execute(&insert, [id(sessions)]).unwrap();
        }
        let insert = format!(
            "INSERT INTO upload_session_analytics
             (event_id, session_id, event_type, metadata, created_at) VALUES (?1, ?2, ?3, ?4, {at})"
        );
        let number = u32::try_from(number).unwrap();
        let row = (id(number), id(sessions), event_type, metadata);
        db.execute(&insert, row).unwrap();
    }
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

/// Nobody is asked: there is no server.
#[test]
fn analytics_of_a_wrong_range_are_wrong_usage() {
    for (name, range) in [
        ("no_date", &["--from", "2026-02-30"][..]),
        (
            "empty_range",
            &["--from", "2026-01-25", "--to", "2026-01-25"],
        ),
        (
            "long_range",
            &["--from", "2024-01-01", "--to", "2026-01-01"],
        ),
        ("both_formats", &["--json", "--csv"]),
    ] {
        let args = [&["analytics"], range].concat();
        let output = moc_uploads(&args, &[]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(text(&output.stdout), "");
        insta::assert_snapshot!(format!("analytics_{name}"), text(&output.stderr));
    }
}
