//! The command line of the real binary, as a person and as a script see it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;
use std::process::{Command, Output};

use moc_uploads_testkit::server::command;
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
