//! The configuration as an operator meets it: defaults, mistakes, and who may call.

mod buckets;

use std::time::Duration;

use moc_uploads_api::CorsOrigins;
use moc_uploads_api::auth::AuthKeys;
use moc_uploads_core::service::Settings;

use super::{AnalyticsConfig, Config, DatabaseConfig, Purpose, Variables};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn read(pairs: &[(&str, &str)]) -> Config {
    Config::from_variables(&variables(pairs), Purpose::Serve).unwrap_or_else(|problems| {
        panic!("{pairs:?}: {problems}");
    })
}

/// The names of the variables with a problem, and the whole message.
fn problems(pairs: &[(&str, &str)]) -> (Vec<&'static str>, String) {
    let problems = Config::from_variables(&variables(pairs), Purpose::Serve)
        .err()
        .unwrap_or_else(|| panic!("{pairs:?} is taken"));
    let names = problems.0.iter().map(|problem| problem.variable).collect();
    (names, problems.to_string())
}

#[test]
fn the_defaults_are_the_contracts() {
    let config = read(&[]);
    assert_eq!(config.stage, "dev");
    assert_eq!(config.data_dir.to_str(), Some("./data"));
    assert_eq!(config.database.to_string(), "./data/moc-uploads.db");
    assert_eq!(config.host.to_string(), "127.0.0.1");
    assert_eq!(config.port, 3000);
    assert_eq!(config.public_base_url, None);
    assert_eq!(config.cors, CorsOrigins::None);
    assert_eq!(config.reaper_interval.as_secs(), 60);
    assert_eq!(
        config.analytics,
        AnalyticsConfig {
            is_on: true,
            batch_size: 500,
            flush_every: Duration::from_millis(200),
            queue_size: 10_000,
            retention: None,
        }
    );
    assert_eq!(config.body_idle_timeout.as_secs(), 30);
    assert_eq!(config.shutdown_grace.as_secs(), 30);
    assert_eq!(config.log_filter, "info,aws_config=warn");
    assert_eq!(
        format!("{:?}", config.settings),
        format!("{:?}", Settings::default())
    );
    let AuthKeys::Bypass(user) = config.auth.keys else {
        panic!("no token is needed on loopback");
    };
    assert_eq!(
        user.user_id.as_str(),
        "dev-user-00000000-0000-0000-0000-000000000001"
    );
    assert!(user.is_admin);
}

#[test]
fn every_setting_reaches_its_place() {
    let config = read(&[
        ("DATA_DIR", "/srv/moc"),
        ("DATABASE_URL", "sqlite:///srv/db/moc.db?mode=rwc"),
        ("HOST", "::1"),
        ("PORT", "0"),
        ("PUBLIC_BASE_URL", "https://uploads.example.com/base/"),
        ("STAGE", "staging"),
        ("AUTH_JWT_SECRET", SECRET),
        ("AUTH_ISSUER", "https://issuer"),
        ("AUTH_AUDIENCE", "uploads"),
        ("ADMIN_GROUP", "ops"),
        ("SESSION_TTL_MINUTES", "1"),
        ("SESSION_EXTENSION_THRESHOLD_MINUTES", "2"),
        ("SESSION_EXTENSION_TTL_MINUTES", "3"),
        ("MAX_SESSION_LIFETIME_HOURS", "4"),
        ("MULTIPART_PART_SIZE_MB", "100"),
        ("PRESIGNED_URL_TTL_MINUTES", "60"),
        ("MAX_BATCH_SIZE", "7"),
        ("UPLOAD_PDF_MAX_MB", "8"),
        ("UPLOAD_IMAGE_MAX_MB", "9"),
        ("UPLOAD_PARTSLIST_MAX_MB", "10"),
        ("UPLOAD_IMAGE_MAX_COUNT", "11"),
        ("UPLOAD_PARTSLIST_MAX_COUNT", "0"),
        ("UPLOAD_RATE_LIMIT_PER_DAY", "12"),
        ("FINALIZE_LOCK_TTL_MINUTES", "13"),
        ("REAPER_INTERVAL_SECONDS", "14"),
        ("VERIFY_HASH", "never"),
        ("CONTENT_DELIVERY", "proxy"),
        ("ORPHAN_UPLOAD_HOURS", "17"),
        ("ANALYTICS", "off"),
        ("ANALYTICS_BATCH_SIZE", "21"),
        ("ANALYTICS_FLUSH_MS", "22"),
        ("ANALYTICS_QUEUE_SIZE", "23"),
        ("ANALYTICS_RETENTION_DAYS", "24"),
        ("BODY_IDLE_TIMEOUT_SECONDS", "15"),
        ("REQUEST_TIMEOUT_SECONDS", "16"),
        ("SHUTDOWN_GRACE_SECONDS", "0"),
        (
            "CORS_ALLOWED_ORIGINS",
            "https://a.example, http://localhost:5173",
        ),
        ("LOG_FORMAT", "json"),
        ("RUST_LOG", "moc_uploads=debug,warn"),
    ]);
    insta::assert_debug_snapshot!(config.settings);
    assert_eq!(config.database.to_string(), "/srv/db/moc.db");
    assert_eq!(config.host.base_url(80), "http://[::1]:80");
    assert_eq!(config.port, 0);
    assert_eq!(
        config.public_base_url.as_deref(),
        Some("https://uploads.example.com/base")
    );
    assert_eq!(config.auth.issuer.as_deref(), Some("https://issuer"));
    assert_eq!(config.auth.audience.as_deref(), Some("uploads"));
    assert_eq!(config.auth.admin_group, "ops");
    assert_eq!(config.jwt_secret.as_deref(), Some(SECRET));
    assert_eq!(
        [
            config.reaper_interval,
            config.body_idle_timeout,
            config.request_timeout,
            config.shutdown_grace,
        ]
        .map(|duration| duration.as_secs()),
        [14, 15, 16, 0]
    );
    assert_eq!(
        config.analytics,
        AnalyticsConfig {
            is_on: false,
            batch_size: 21,
            flush_every: Duration::from_millis(22),
            queue_size: 23,
            retention: Some(Duration::from_secs(24 * 24 * 60 * 60)),
        }
    );
    assert_eq!(
        config.cors,
        CorsOrigins::List(vec![
            "https://a.example".parse().unwrap(),
            "http://localhost:5173".parse().unwrap(),
        ])
    );
    assert_eq!(config.log_filter, "moc_uploads=debug,warn");
    assert_eq!(config.warnings, Vec::<String>::new());
}

#[test]
fn a_postgres_url_and_its_settings_reach_their_place_and_its_password_is_never_shown() {
    let config = read(&[
        (
            "DATABASE_URL",
            "postgres://moc:hunter2@db.example/moc?password=hunter2",
        ),
        ("DATABASE_MAX_CONNECTIONS", "3"),
        ("DATABASE_CONNECT_TIMEOUT_MS", "4"),
        ("DATABASE_STATEMENT_TIMEOUT_MS", "5"),
        ("DATABASE_PREPARED_STATEMENTS", "false"),
    ]);
    let DatabaseConfig::Postgres(options) = &config.database else {
        panic!("not PostgreSQL: {}", config.database);
    };
    assert!(options.url.contains("hunter2"));
    assert_eq!(options.max_connections, 3);
    assert_eq!(options.connect_timeout, Duration::from_millis(4));
    assert_eq!(options.statement_timeout, Duration::from_millis(5));
    assert!(!options.prepared_statements);
    for shown in [config.database.to_string(), config.to_json().unwrap()] {
        assert!(shown.contains("db.example/moc"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn each_value_that_cant_be_right_is_refused_by_its_name() {
    for (name, values) in [
        (
            "DATABASE_URL",
            &[
                "postgres://u:p@h:port/db",
                "postgres://h/db?sslmode=perhaps",
                "mysql://h/db",
                "x.db",
                "sqlite:",
                "sqlite::memory:",
            ][..],
        ),
        ("DATABASE_MAX_CONNECTIONS", &["0", "many"]),
        ("DATABASE_CONNECT_TIMEOUT_MS", &["0"]),
        ("DATABASE_STATEMENT_TIMEOUT_MS", &["0", "5s"]),
        ("DATABASE_PREPARED_STATEMENTS", &["sometimes"]),
        (
            "MOC_BUCKET",
            &["my mocs", "Mocs", "m", "-mocs", "a..b", "s3://mocs"],
        ),
        ("LEGO_API_BUCKET_NAME", &["mocs/2026"]),
        ("AWS_REGION", &["eu west"]),
        (
            "AWS_ENDPOINT_URL_S3",
            &["s3.example.com", "ftp://s3", "https://k:s@s3.example.com"],
        ),
        ("S3_FORCE_PATH_STYLE", &["perhaps"]),
        ("S3_SERVER_SIDE_ENCRYPTION", &["yes", "AES128"]),
        ("S3_CONNECT_TIMEOUT_MS", &["0", "3s"]),
        ("S3_READ_TIMEOUT_MS", &["0"]),
        ("S3_OPERATION_TIMEOUT_MS", &["0"]),
        ("S3_MAX_ATTEMPTS", &["0", "21"]),
        (
            "HOST",
            &["http://localhost", "localhost:3000", "300.1.1.1", "a b"],
        ),
        ("PORT", &["65536", "-1", "http", "3000.0"]),
        (
            "PUBLIC_BASE_URL",
            &[
                "localhost:3000",
                "ftp://h",
                "https://h/?q",
                "https://h/#f",
                "https://u:p@h",
            ],
        ),
        ("STAGE", &["a/b", "..", "a-name-that-is-too-long"]),
        ("AUTH_BYPASS", &["maybe", "2"]),
        ("DEV_USER_SUB", &[&"x".repeat(256)]),
        ("AUTH_JWKS_URL", &["issuer.example", "file:///jwks.json"]),
        (
            "SESSION_TTL_MINUTES",
            &["0", "-5", "15m", "1.5", "99999999999999999999", "1441"],
        ),
        ("SESSION_EXTENSION_THRESHOLD_MINUTES", &["0"]),
        ("SESSION_EXTENSION_TTL_MINUTES", &["0"]),
        ("MAX_SESSION_LIFETIME_HOURS", &["0"]),
        ("MULTIPART_PART_SIZE_MB", &["4", "101"]),
        ("PRESIGNED_URL_TTL_MINUTES", &["0", "61"]),
        ("MAX_BATCH_SIZE", &["0", "1001"]),
        ("UPLOAD_PDF_MAX_MB", &["0", "5242881"]),
        ("UPLOAD_IMAGE_MAX_MB", &["0"]),
        ("UPLOAD_PARTSLIST_MAX_MB", &["0"]),
        ("UPLOAD_IMAGE_MAX_COUNT", &["-1", "many"]),
        ("UPLOAD_PARTSLIST_MAX_COUNT", &["-1"]),
        ("UPLOAD_RATE_LIMIT_PER_DAY", &["0", "4294967296"]),
        ("RATE_LIMIT_BYPASS", &["sometimes"]),
        ("FINALIZE_LOCK_TTL_MINUTES", &["0"]),
        ("REAPER_INTERVAL_SECONDS", &["0"]),
        ("VERIFY_HASH", &["true", "sometimes"]),
        ("CONTENT_DELIVERY", &["stream"]),
        ("ORPHAN_UPLOAD_HOURS", &["0", "8785"]),
        ("ANALYTICS", &["no", "ON"]),
        ("ANALYTICS_BATCH_SIZE", &["0", "10001"]),
        ("ANALYTICS_FLUSH_MS", &["9", "5001", "1s"]),
        ("ANALYTICS_QUEUE_SIZE", &["0", "1000001"]),
        ("ANALYTICS_RETENTION_DAYS", &["0", "36501", "for ever"]),
        ("BODY_IDLE_TIMEOUT_SECONDS", &["0"]),
        ("REQUEST_TIMEOUT_SECONDS", &["0"]),
        ("SHUTDOWN_GRACE_SECONDS", &["-1", "3601"]),
        (
            "CORS_ALLOWED_ORIGINS",
            &[
                ",",
                "example.com",
                "https://a.example/path",
                "*,https://a.example",
            ],
        ),
        ("LOG_FORMAT", &["xml"]),
        ("RUST_LOG", &["moc=loudest"]),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &["collector:4317"]),
        ("DATA_DIR", &["/srv/\u{fffd}"]),
    ] {
        for value in values {
            let (names, message) = problems(&[(name, value)]);
            assert_eq!(names, [name], "{value}: {message}");
        }
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let (names, message) = problems(&[
        ("PORT", "abc"),
        ("SESSION_TTL_MINUTES", "-5"),
        ("MULTIPART_PART_SIZE_MB", "1"),
        ("AUTH_BYPASS", "perhaps"),
        ("DATABASE_URL", "mysql://moc:hunter2@db.example/moc"),
        ("LOG_FORMAT", "loud\nline"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "https://user:hunter2@collector",
        ),
    ]);
    assert_eq!(names.len(), 7);
    assert!(!message.contains("hunter2"), "{message}");
    insta::assert_snapshot!(message);
}

#[test]
fn what_is_empty_is_not_set() {
    let config = read(&[
        ("PORT", ""),
        ("DATABASE_URL", " "),
        ("MOC_BUCKET", ""),
        ("AUTH_BYPASS", ""),
        ("AUTH_JWT_SECRET", ""),
        ("CORS_ALLOWED_ORIGINS", ""),
    ]);
    assert_eq!(config.to_json().unwrap(), read(&[]).to_json().unwrap());
}

#[test]
fn booleans_have_their_usual_words() {
    for (word, is_bypassed) in [
        ("true", true),
        ("TRUE", true),
        ("1", true),
        ("yes", true),
        ("on", true),
        ("false", false),
        ("0", false),
        ("No", false),
        ("off", false),
    ] {
        let config = read(&[("RATE_LIMIT_BYPASS", word)]);
        assert_eq!(config.settings.daily_limit.is_none(), is_bypassed, "{word}");
    }
}

#[test]
fn without_tokens_only_on_loopback_and_never_in_production() {
    const JWKS: &str = "https://issuer.example/jwks.json";
    // Bypass, a key, host, stage; the variable that is complained of.
    for (bypass, key, host, stage, complaint) in [
        ("", "", "127.0.0.1", "dev", None),
        ("", "", "localhost", "dev", None),
        ("", "", "::1", "dev", None),
        ("", "", "0.0.0.0", "dev", Some("AUTH_JWKS_URL")),
        ("", "", "uploads.example", "dev", Some("AUTH_JWKS_URL")),
        ("", "", "127.0.0.1", "production", Some("AUTH_JWKS_URL")),
        ("", "", "127.0.0.1", "Prod", Some("AUTH_JWKS_URL")),
        ("false", "", "127.0.0.1", "dev", Some("AUTH_JWKS_URL")),
        ("true", "", "127.0.0.1", "dev", None),
        ("true", "", "127.0.0.2", "staging", None),
        ("true", "", "0.0.0.0", "dev", Some("AUTH_BYPASS")),
        ("true", "", "192.168.0.7", "dev", Some("AUTH_BYPASS")),
        ("true", "", "127.0.0.1", "prod", Some("AUTH_BYPASS")),
        ("true", JWKS, "127.0.0.1", "production", Some("AUTH_BYPASS")),
        ("", JWKS, "0.0.0.0", "production", None),
        ("false", JWKS, "127.0.0.1", "dev", None),
    ] {
        let pairs = [
            ("AUTH_BYPASS", bypass),
            ("AUTH_JWKS_URL", key),
            ("HOST", host),
            ("STAGE", stage),
        ];
        if let Some(name) = complaint {
            assert_eq!(problems(&pairs).0, [name], "{pairs:?}");
        } else {
            let is_bypassed = matches!(read(&pairs).auth.keys, AuthKeys::Bypass(_));
            assert_eq!(is_bypassed, key.is_empty(), "{pairs:?}");
        }
    }
}

#[test]
fn a_setting_of_tokens_without_a_key_is_a_mistake() {
    for name in ["AUTH_ISSUER", "AUTH_AUDIENCE"] {
        let (names, message) = problems(&[(name, "x")]);
        assert_eq!(names, ["AUTH_JWKS_URL"]);
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn two_keys_are_a_mistake() {
    let (names, message) = problems(&[
        ("AUTH_JWKS_URL", "https://issuer.example/jwks.json"),
        ("AUTH_JWT_SECRET", SECRET),
    ]);
    assert_eq!(names, ["AUTH_JWT_SECRET"]);
    assert!(!message.contains(SECRET), "{message}");
    // Also when one of them can't be right by itself.
    let (names, message) = problems(&[("AUTH_JWKS_URL", "ftp://x"), ("AUTH_JWT_SECRET", SECRET)]);
    assert_eq!(names, ["AUTH_JWKS_URL", "AUTH_JWT_SECRET"], "{message}");
}

#[test]
fn a_short_secret_is_a_warning_and_refused_in_production_and_beyond_loopback() {
    const SHORT: (&str, &str) = ("AUTH_JWT_SECRET", "short-one");
    let config = read(&[SHORT]);
    assert!(config.warnings[0].contains("AUTH_JWT_SECRET"));
    assert!(!config.warnings[0].contains("short-one"));
    for reachable in [("STAGE", "prod"), ("HOST", "0.0.0.0")] {
        let (names, message) = problems(&[SHORT, reachable]);
        assert_eq!(names, ["AUTH_JWT_SECRET"], "{message}");
        assert!(!message.contains("short-one"), "{message}");
    }
}

#[test]
fn what_is_let_through_with_a_warning_says_so() {
    for (pairs, name) in [
        (&[][..], "AUTH_JWKS_URL"),
        (&[("AUTH_BYPASS", "true")], "AUTH_BYPASS"),
        (&[("RATE_LIMIT_BYPASS", "true")], "RATE_LIMIT_BYPASS"),
        (&[("DATABASE_URL", "postgres://localhost/moc")], "DATA_DIR"),
        (
            &[("SESSION_EXTENSION_TTL_MINUTES", "10")],
            "SESSION_EXTENSION_THRESHOLD_MINUTES",
        ),
        (
            &[("AUTH_JWKS_URL", "http://issuer.example/")],
            "AUTH_JWKS_URL",
        ),
        (
            &[
                ("MOC_BUCKET", "mocs"),
                ("AWS_ENDPOINT_URL_S3", "http://s3.example"),
            ],
            "AWS_ENDPOINT_URL_S3",
        ),
        (
            &[("HOST", "0.0.0.0"), ("AUTH_JWT_SECRET", SECRET)],
            "PUBLIC_BASE_URL",
        ),
    ] {
        let warnings = read(pairs).warnings;
        assert!(
            warnings.iter().any(|warning| warning.contains(name)),
            "{pairs:?}: {warnings:?}"
        );
    }
}

#[test]
fn commands_beside_the_server_need_no_keys() {
    let variables = variables(&[("HOST", "0.0.0.0"), ("STAGE", "production")]);
    assert!(Config::from_variables(&variables, Purpose::Command).is_ok());
    assert!(Config::from_variables(&variables, Purpose::Serve).is_err());
}

#[test]
fn secrets_are_masked_wherever_settings_are_shown() {
    let config = read(&[("AUTH_JWT_SECRET", SECRET)]);
    for shown in [config.to_table(), config.to_json().unwrap()] {
        assert!(shown.contains("AUTH_JWT_SECRET"));
        assert!(!shown.contains(SECRET), "{shown}");
    }
}
