//! Which database, and how it is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use moc_uploads_store_postgres::PostgresOptions;

use super::reader::{self, Reader, Source};
use super::values;

/// What `DATABASE_URL` names.
#[derive(Clone)]
pub(crate) enum DatabaseConfig {
    /// A file, made when it is missing.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<PostgresOptions>),
}

impl fmt::Display for DatabaseConfig {
    /// Without a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => file.display().fmt(f),
            Self::Postgres(options) => f.write_str(&shown(&options.url)),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> DatabaseConfig {
    const NAME: &str = "DATABASE_URL";
    let default = data_dir.join("moc-uploads.db");
    let database = match reader.get(NAME) {
        None => {
            let value = format!("sqlite:{}", default.display());
            reader.entry(NAME, value, Source::Default);
            None
        }
        Some(url) => {
            reader.entry(NAME, shown(url), Source::Environment);
            parse(url)
                .map_err(|advice| reader.problem_showing(NAME, Some(shown(url)), advice))
                .ok()
        }
    };
    let defaults = PostgresOptions::new("");
    let milliseconds = |reader: &mut Reader<'_>, name, default: Duration| {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(reader.number(name, default, 1..=3_600_000))
    };
    let options = PostgresOptions {
        max_connections: reader.number(
            "DATABASE_MAX_CONNECTIONS",
            defaults.max_connections,
            1..=10_000,
        ),
        connect_timeout: milliseconds(
            reader,
            "DATABASE_CONNECT_TIMEOUT_MS",
            defaults.connect_timeout,
        ),
        statement_timeout: milliseconds(
            reader,
            "DATABASE_STATEMENT_TIMEOUT_MS",
            defaults.statement_timeout,
        ),
        prepared_statements: reader
            .boolean_or("DATABASE_PREPARED_STATEMENTS", defaults.prepared_statements),
        ..defaults
    };
    match database {
        Some(DatabaseConfig::Postgres(named)) => {
            DatabaseConfig::Postgres(Box::new(PostgresOptions {
                url: named.url,
                ..options
            }))
        }
        Some(sqlite) => sqlite,
        None => DatabaseConfig::Sqlite(default),
    }
}

fn parse(url: &str) -> Result<DatabaseConfig, String> {
    if let Some(path) = values::parse_sqlite_url(url) {
        return path.map(DatabaseConfig::Sqlite);
    }
    if is_postgres(url) {
        let options = PostgresOptions::new(url);
        return match options.check() {
            Ok(()) => Ok(DatabaseConfig::Postgres(Box::new(options))),
            Err(error) => Err(format!("can't be understood ({error})")),
        };
    }
    Err(
        "must be postgres://USER:PASSWORD@HOST/DATABASE, or sqlite:PATH, for example \
         sqlite:/var/lib/moc-uploads/moc-uploads.db"
            .to_owned(),
    )
}

fn is_postgres(url: &str) -> bool {
    url.split_once("://")
        .is_some_and(|(scheme, _)| matches!(scheme, "postgres" | "postgresql"))
}

/// Passwords stand before the host or among the parameters.
fn shown(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return reader::printable(url);
    }
    if !is_postgres(url) {
        return reader::MASK.to_owned();
    }
    let without_parameters = url.split_once('?').map_or(url, |(before, _)| before);
    reader::printable(without_parameters)
}
