//! What no database is asked for.

use serde_json::Value;

use super::{moc_uploads, on_data, succeeds, text};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

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
fn a_start_that_fails_names_its_place_and_the_way_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let empty = folder.path().join("empty");
    let (file, empty) = (file.to_str().unwrap(), empty.to_str().unwrap());
    for (args, data_dir, help) in [
        (&["serve"][..], file, "DATA_DIR"),
        (&["serve", "--no-migrate"], empty, "moc-uploads migrate"),
    ] {
        let output = moc_uploads(args, &[("DATA_DIR", data_dir), ("PORT", "0")]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = text(&output.stderr);
        assert!(told.contains(data_dir) && told.contains(help), "{told}");
    }
}

#[test]
fn completions_exist_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = moc_uploads(&["completions", shell], &[]);
        assert!(succeeds(&output).contains("migrate"), "{shell}");
    }
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
