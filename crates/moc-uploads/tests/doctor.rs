//! `moc-uploads doctor` on things that are as they should be, and on things that are not.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "doctor/bucket.rs"]
mod bucket;
#[path = "doctor/http.rs"]
mod http;

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use moc_uploads_testkit::postgres::{Cluster, Database, is_skipped};
use serde_json::Value;

use http::answering;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

/// What was found, by check: verdict and finding. The exit status tells whether something is wrong.
struct Findings(Vec<Value>);

impl Findings {
    fn verdict(&self, check: &str) -> &str {
        let of = |found: &&Value| found["check"] == check;
        let worst = |found: &&Value| match found["verdict"].as_str() {
            Some("wrong") => 2,
            Some("warning") => 1,
            _ => 0,
        };
        let found = self.0.iter().filter(of).max_by_key(worst);
        let found = found.unwrap_or_else(|| panic!("no {check}: {:#?}", self.0));
        let verdict = found["verdict"].as_str().unwrap();
        assert_eq!(verdict != "ok", found["advice"].is_string(), "{found}");
        verdict
    }

    fn all_advice(&self, check: &str) -> Vec<&str> {
        let found = self.0.iter().filter(|found| found["check"] == check);
        found.filter_map(|found| found["advice"].as_str()).collect()
    }

    fn advice(&self, check: &str) -> &str {
        self.all_advice(check)[0]
    }

    fn text(&self) -> String {
        Value::from(self.0.clone()).to_string()
    }
}

fn doctor(data_dir: &Path, variables: &[(&str, &str)]) -> Findings {
    let output = Command::new(BINARY)
        .args(["doctor", "--json"])
        .env_clear()
        .env("DATA_DIR", data_dir)
        .env("DATABASE_CONNECT_TIMEOUT_MS", "2000")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let checks = report["checks"].as_array().unwrap().clone();
    // What a library thinks of itself is not for people.
    let said = report.to_string() + &String::from_utf8_lossy(&output.stderr);
    for of_a_library in ["Error {", "Error(", "Extensions", "aws_"] {
        assert!(!said.contains(of_a_library), "{said}");
    }
    let is_ok = checks.iter().all(|found| found["verdict"] != "wrong");
    assert_eq!(report["ok"], is_ok);
    assert_eq!(output.status.code(), Some(i32::from(!is_ok)), "{report:#}");
    Findings(checks)
}

#[test]
fn a_first_start_needs_nothing_and_looking_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let found = doctor(&data, &[]);
    for check in ["database", "data folder", "token keys"] {
        assert_eq!(found.verdict(check), "ok", "{}", found.text());
    }
    assert!(!data.exists());

    let output = Command::new(BINARY)
        .arg("doctor")
        .env_clear()
        .env("DATA_DIR", &data)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ok       data folder"), "{said}");

    assert_eq!(
        doctor(Path::new("/proc/data"), &[]).verdict("data folder"),
        "wrong"
    );
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert_eq!(doctor(&file, &[]).verdict("data folder"), "wrong");
    std::fs::write(folder.path().join("no.db"), [b'x'; 8192]).unwrap();
    let no_database = format!("sqlite:{}/no.db", folder.path().display());
    assert_eq!(
        doctor(&data, &[("DATABASE_URL", &no_database)]).verdict("database"),
        "wrong"
    );
}

#[test]
fn settings_that_cannot_be_right_are_told_as_ever() {
    let output = Command::new(BINARY)
        .arg("doctor")
        .env_clear()
        .env("PORT", "http")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("PORT=http"));
}

#[test]
fn a_postgresql_that_is_not_ready_is_told_from_one_that_is() {
    if is_skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let database = Database::empty();
    let url = database.url();
    let examine = |url: &str| doctor(&data, &[("DATABASE_URL", url)]);

    let found = examine(&url);
    assert_eq!(found.verdict("database"), "ok");
    assert_eq!(found.verdict("schema"), "warning");
    assert_eq!(database.psql("SELECT to_regclass('schema_migrations')"), "");

    let migrate = Command::new(BINARY)
        .arg("migrate")
        .env_clear()
        .env("DATABASE_URL", &url)
        .output()
        .unwrap();
    assert!(migrate.status.success(), "{migrate:?}");
    let found = examine(&url);
    for check in [
        "database",
        "schema",
        "database rights",
        "connections",
        "clock",
    ] {
        assert_eq!(found.verdict(check), "ok", "{check}: {}", found.text());
    }

    let role = format!("stranger_{}", std::process::id());
    database.psql(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
    ));
    let strange = url.replace("postgres@", &format!("{role}@"));
    let found = examine(&strange);
    assert_eq!(found.verdict("database rights"), "wrong");
    let missing = "upload_sessions: INSERT, UPDATE, DELETE";
    assert!(found.text().contains(missing), "{}", found.text());
    let missing = "analytics_hour_times: INSERT, UPDATE, DELETE";
    assert!(found.text().contains(missing), "{}", found.text());
    database.psql(&format!("REVOKE SELECT ON schema_migrations FROM {role}"));
    let found = examine(&strange);
    assert_eq!(found.verdict("schema"), "wrong", "{}", found.text());
    assert!(found.text().contains("schema_migrations: SELECT"));
    database.psql(&format!("GRANT SELECT ON schema_migrations TO {role}"));
    database.psql("DELETE FROM schema_migrations WHERE version > 1");
    assert_eq!(examine(&strange).verdict("schema"), "wrong");
    database.psql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));

    database.psql("INSERT INTO schema_migrations VALUES (99, 'x', 'x')");
    let found = examine(&url);
    assert_eq!(found.verdict("database"), "wrong");
    assert!(found.text().contains("start a newer program"));
}

#[test]
fn a_postgresql_that_is_away_or_too_small_is_told() {
    if is_skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::private();
    let url = cluster.url("postgres");
    let examine = |more: &[(&str, &str)]| {
        let variables = [&[("DATABASE_URL", url.as_str())], more].concat();
        doctor(folder.path(), &variables)
    };
    let all = cluster.psql(
        "postgres",
        "SELECT current_setting('max_connections')::integer \
         - current_setting('superuser_reserved_connections')::integer",
    );
    // Analytics has some of its own.
    let found = examine(&[("DATABASE_MAX_CONNECTIONS", &all)]);
    assert_eq!(found.verdict("connections"), "wrong");
    cluster.psql(
        "postgres",
        "ALTER SYSTEM SET default_transaction_read_only = on",
    );
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    assert_eq!(examine(&[]).verdict("database"), "wrong");
    cluster.stop();
    let found = examine(&[]);
    assert_eq!(found.verdict("database"), "wrong");
    // Of its socket, which went with it.
    assert!(found.text().contains("No such file or directory"));
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = format!("postgres://postgres@{nobody}/postgres");
    let found = examine(&[("DATABASE_URL", &refused)]);
    assert!(found.text().contains("Connection refused"));
    assert!(!found.text().contains("clock"));
}

#[test]
fn token_keys_are_fetched() {
    const KEY: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":"sig",
        "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;
    let folder = tempfile::tempdir().unwrap();
    let verdict = |url: &str| {
        let url = format!("{url}/jwks.json");
        let found = doctor(folder.path(), &[("AUTH_JWKS_URL", &url)]);
        found.verdict("token keys").to_owned()
    };
    assert_eq!(verdict(&answering(|_| Some(("", KEY.to_owned())))), "ok");
    assert_eq!(
        verdict(&answering(|_| Some(("", r#"{"keys":[]}"#.to_owned())))),
        "wrong"
    );
    assert_eq!(
        verdict(&answering(|_| Some(("", "hello".to_owned())))),
        "wrong"
    );
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert_eq!(verdict(&format!("http://{nobody}")), "wrong");
}

/// As `sslmode` says, and what is wrong with a certificate is told.
#[test]
fn a_postgresql_is_reached_by_tls() {
    if is_skipped() {
        return;
    }
    let cluster = Cluster::with_tls();
    let folder = tempfile::tempdir().unwrap();
    let database = |host: &str, parameters: &str| {
        let url = cluster.tcp_url(host, parameters);
        let found = doctor(folder.path(), &[("DATABASE_URL", &url)]);
        (found.verdict("database").to_owned(), found.text())
    };
    let verified_by = |authority: &Path| {
        let file = authority.display();
        format!("sslmode=verify-full&sslrootcert={file}")
    };
    let known = verified_by(&cluster.authority());

    let (verdict, text) = database("127.0.0.1", "sslmode=disable");
    assert_eq!(verdict, "warning", "{text}");
    assert!(text.contains("is reached without TLS"), "{text}");
    for parameters in ["", "sslmode=require", &known] {
        let (verdict, text) = database("127.0.0.1", parameters);
        assert_eq!(verdict, "ok", "{parameters}: {text}");
    }

    let stranger = verified_by(&cluster.stranger());
    let system = "sslmode=verify-full";
    for (host, parameters, reason) in [
        ("127.0.0.1", stranger.as_str(), "UnknownIssuer"),
        ("127.0.0.1", system, "UnknownIssuer"),
        ("localhost", &known, "not valid for name"),
    ] {
        let (verdict, text) = database(host, parameters);
        assert_eq!(verdict, "wrong", "{host} {parameters}: {text}");
        assert!(text.contains("certificate"), "{text}");
        assert!(text.contains(reason), "{host} {parameters}: {text}");
    }
}
