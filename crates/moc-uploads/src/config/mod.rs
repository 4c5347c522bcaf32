//! The configuration (CONTRACT section 5): read once, from variables, with all problems at once.

mod analytics;
mod auth;
mod bucket;
mod content;
mod database;
mod reader;
mod show;
#[cfg(test)]
mod tests;
mod values;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use moc_uploads_api::CorsOrigins;
use moc_uploads_api::auth::AuthConfig;
use moc_uploads_core::policy::Policy;
use moc_uploads_core::service::Settings;
use moc_uploads_core::session::ExtensionRule;
use tracing_subscriber::EnvFilter;

pub(crate) use analytics::AnalyticsConfig;
pub(crate) use bucket::BlobConfig;
pub(crate) use database::DatabaseConfig;
pub(crate) use reader::{Problem, Variables};
pub(crate) use values::{Host, LogFormat};

use reader::{Entry, Reader};

const MIB: u64 = 1024 * 1024;

/// What the configuration is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To take requests: who may call must be settled.
    Serve,
    /// For a command beside the server.
    Command,
}

/// What is in force.
pub(crate) struct Config {
    pub(crate) stage: String,
    pub(crate) is_production: bool,
    /// Made when it is missing.
    pub(crate) data_dir: PathBuf,
    pub(crate) database: DatabaseConfig,
    pub(crate) blobs: BlobConfig,
    pub(crate) host: Host,
    /// 0: the system chooses.
    pub(crate) port: u16,
    /// Without a slash at its end; `None`: from the host and the port that was really bound.
    pub(crate) public_base_url: Option<String>,
    pub(crate) auth: AuthConfig,
    /// Also beside a bypass, for minting.
    pub(crate) jwt_secret: Option<String>,
    pub(crate) cors: CorsOrigins,
    pub(crate) settings: Settings,
    pub(crate) reaper_interval: Duration,
    pub(crate) analytics: AnalyticsConfig,
    pub(crate) body_idle_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) shutdown_grace: Duration,
    /// `None`: pretty on a terminal, else JSON.
    pub(crate) log_format: Option<LogFormat>,
    /// Directives of `RUST_LOG`.
    pub(crate) log_filter: String,
    /// Base URL of a collector that takes OTLP over HTTP.
    pub(crate) traces_endpoint: Option<String>,
    /// What is allowed but should be known.
    pub(crate) warnings: Vec<String>,
    entries: Vec<Entry>,
}

/// Everything that is wrong, to be shown to whoever started the program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let s = if count == 1 { "" } else { "s" };
        write!(f, "{count} problem{s} in the configuration:")?;
        self.0
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// All problems, in the order of the contract's table.
    pub(crate) fn from_variables(
        variables: &Variables,
        purpose: Purpose,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::new(variables);
        let config = read(&mut reader, purpose);
        if reader.problems.is_empty() {
            Ok(Self {
                entries: reader.entries,
                ..config
            })
        } else {
            Err(Problems(reader.problems))
        }
    }
}

fn read(reader: &mut Reader<'_>, purpose: Purpose) -> Config {
    let mut warnings = Vec::new();
    let data_dir = reader
        .text("DATA_DIR", "./data")
        .map_or_else(|| PathBuf::from("./data"), PathBuf::from);
    let database = database::read(reader, &data_dir);
    let blobs = bucket::read(reader, &mut warnings);
    if matches!(
        (&database, &blobs),
        (DatabaseConfig::Postgres(_), BlobConfig::Disk)
    ) {
        warnings.push(format!(
            "files are in DATA_DIR={}: no second server can share this database",
            data_dir.display()
        ));
    }

    let host = reader
        .parsed("HOST", "127.0.0.1", Host::parse)
        .unwrap_or(Host::LOCALHOST);
    let port = reader.number("PORT", 3000, 0..=u16::MAX);
    let base_url_of_host = match port {
        0 => "from HOST and the port that the system chooses".to_owned(),
        port => host.base_url(port),
    };
    let public_base_url =
        reader.parsed("PUBLIC_BASE_URL", &base_url_of_host, values::parse_base_url);
    if public_base_url.is_none() && host.is_unspecified() && purpose == Purpose::Serve {
        warnings.push(format!(
            "PUBLIC_BASE_URL is not set and HOST is {host}: URLs given to clients lead to 127.0.0.1"
        ));
    }
    let stage = reader
        .parsed("STAGE", "dev", values::parse_stage)
        .unwrap_or_else(|| "dev".to_owned());
    let is_production = ["production", "prod"]
        .iter()
        .any(|name| stage.eq_ignore_ascii_case(name));
    let (auth, jwt_secret) = auth::read(reader, &host, is_production, purpose, &mut warnings);
    let settings = settings(reader, stage.clone(), &blobs, &mut warnings);
    let seconds = |reader: &mut Reader<'_>, name, default, least: u64| {
        Duration::from_secs(reader.number(name, default, least..=3600))
    };
    Config {
        is_production,
        stage,
        data_dir,
        database,
        blobs,
        host,
        port,
        public_base_url,
        auth,
        jwt_secret,
        settings,
        reaper_interval: seconds(reader, "REAPER_INTERVAL_SECONDS", 60, 1),
        analytics: analytics::read(reader),
        body_idle_timeout: seconds(reader, "BODY_IDLE_TIMEOUT_SECONDS", 30, 1),
        request_timeout: seconds(reader, "REQUEST_TIMEOUT_SECONDS", 30, 1),
        shutdown_grace: seconds(reader, "SHUTDOWN_GRACE_SECONDS", 30, 0),
        cors: reader
            .parsed("CORS_ALLOWED_ORIGINS", "none", values::parse_origins)
            .unwrap_or_default(),
        log_format: reader.parsed(
            "LOG_FORMAT",
            "pretty on a terminal, else json",
            LogFormat::parse,
        ),
        log_filter: log_filter(reader),
        traces_endpoint: reader.parsed(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "off",
            values::parse_base_url,
        ),
        warnings,
        entries: Vec::new(),
    }
}

fn settings(
    reader: &mut Reader<'_>,
    stage: String,
    blobs: &BlobConfig,
    warnings: &mut Vec<String>,
) -> Settings {
    const YEAR_MINUTES: u64 = 366 * 24 * 60;
    // The largest object that S3 takes, 5 TiB.
    const MAX_FILE_MB: u64 = 5 * 1024 * 1024;
    let minutes = |reader: &mut Reader<'_>, name, default, most: u64| {
        Duration::from_secs(60 * reader.number(name, default, 1..=most))
    };
    let megabytes = |reader: &mut Reader<'_>, name, default| {
        MIB * reader.number(name, default, 1..=MAX_FILE_MB)
    };
    let session_ttl = minutes(reader, "SESSION_TTL_MINUTES", 15, YEAR_MINUTES);
    let threshold = minutes(
        reader,
        "SESSION_EXTENSION_THRESHOLD_MINUTES",
        10,
        YEAR_MINUTES,
    );
    let extension_ttl = minutes(reader, "SESSION_EXTENSION_TTL_MINUTES", 30, YEAR_MINUTES);
    let max_lifetime = Duration::from_secs(
        3600 * reader.number("MAX_SESSION_LIFETIME_HOURS", 24, 1..=YEAR_MINUTES / 60),
    );
    if session_ttl > max_lifetime {
        reader.problem(
            "SESSION_TTL_MINUTES",
            format!(
                "must not be longer than MAX_SESSION_LIFETIME_HOURS ({})",
                max_lifetime.as_secs() / 3600
            ),
        );
    }
    if extension_ttl <= threshold {
        warnings.push(
            "SESSION_EXTENSION_TTL_MINUTES is not longer than SESSION_EXTENSION_THRESHOLD_MINUTES: \
             a session that was extended is extended again by all that follows"
                .to_owned(),
        );
    }
    let content = content::read(reader, matches!(blobs, BlobConfig::Disk));
    Settings {
        verify_hash: content.verify_hash,
        redirects_content: content.redirects_content,
        orphan_age: content.orphan_age,
        stage,
        session_ttl,
        extension: ExtensionRule {
            threshold,
            ttl: extension_ttl,
            max_lifetime,
        },
        part_size_bytes: MIB * reader.number("MULTIPART_PART_SIZE_MB", 5, 5..=100),
        presigned_url_ttl: minutes(reader, "PRESIGNED_URL_TTL_MINUTES", 15, 60),
        max_batch_size: reader.number("MAX_BATCH_SIZE", 10, 1..=1000),
        policy: Policy {
            pdf_max_bytes: megabytes(reader, "UPLOAD_PDF_MAX_MB", 50),
            image_max_bytes: megabytes(reader, "UPLOAD_IMAGE_MAX_MB", 10),
            parts_list_max_bytes: megabytes(reader, "UPLOAD_PARTSLIST_MAX_MB", 5),
            image_max_count: reader.number("UPLOAD_IMAGE_MAX_COUNT", 20, 0..=10_000),
            parts_list_max_count: reader.number("UPLOAD_PARTSLIST_MAX_COUNT", 5, 0..=10_000),
        },
        daily_limit: daily_limit(reader, warnings),
        finalize_lock_ttl: minutes(reader, "FINALIZE_LOCK_TTL_MINUTES", 5, 24 * 60),
    }
}

/// `None`: not limited.
fn daily_limit(reader: &mut Reader<'_>, warnings: &mut Vec<String>) -> Option<u32> {
    let limit = reader.number("UPLOAD_RATE_LIMIT_PER_DAY", 100, 1..=u32::MAX);
    if reader.boolean("RATE_LIMIT_BYPASS") == Some(true) {
        warnings.push("RATE_LIMIT_BYPASS=true: the daily limit is not checked".to_owned());
        None
    } else {
        Some(limit)
    }
}

/// How the AWS SDK came by its credentials is of no use to whoever reads the rest.
const LOG_FILTER: &str = "info,aws_config=warn";

fn log_filter(reader: &mut Reader<'_>) -> String {
    reader
        .parsed("RUST_LOG", LOG_FILTER, |text| {
            EnvFilter::try_new(text)
                .map(|_| text.to_owned())
                .map_err(|error| {
                    format!("must be a filter like info or moc_uploads=debug ({error})")
                })
        })
        .unwrap_or_else(|| LOG_FILTER.to_owned())
}
