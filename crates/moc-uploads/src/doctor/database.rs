//! The database.

use std::path::Path;
use std::time::Duration;

use moc_uploads_core::ports::SessionStore;
use moc_uploads_store_postgres::{Examination, PostgresOptions, PostgresStore};
use moc_uploads_store_sqlite::SqliteStore;

use super::Report;
use crate::config::DatabaseConfig;
use crate::failure::Failure;

const DATABASE: &str = "database";
const SCHEMA: &str = "schema";
const RIGHTS: &str = "database rights";
const CONNECTIONS: &str = "connections";
const CLOCK: &str = "clock";

/// Clocks that are kept agree better.
const SKEW: Duration = Duration::from_secs(1);

const MIGRATE: &str = "`moc-uploads migrate` does it, and so does the next start.";

const GRANT: &str =
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public to this role.";

pub(super) async fn sqlite(file: &Path, report: &mut Report) {
    if !file.exists() {
        let finding = format!("{} will be made at the first start", file.display());
        report.ok(DATABASE, finding);
        return;
    }
    let store = match SqliteStore::open(file).await {
        Ok(store) => store,
        Err(error) => {
            report.wrong(
                DATABASE,
                format!("{}: {error}", file.display()),
                "Is it a database of this program, and may this user write to it and its folder?",
            );
            return;
        }
    };
    report.ok(DATABASE, format!("{} can be read", file.display()));
    match store.ping().await {
        Ok(()) => report.ok(SCHEMA, "is there"),
        Err(_) => report.warning(SCHEMA, "is not there yet", MIGRATE),
    }
    store.close().await;
}

pub(super) async fn postgres(options: &PostgresOptions, report: &mut Report) {
    let shown = DatabaseConfig::Postgres(Box::new(options.clone()));
    let examined = match PostgresStore::open(options) {
        Ok(store) => {
            let examined = store.examine().await;
            if let Ok(examination) = &examined
                && examination
                    .pending_migrations
                    .as_ref()
                    .is_some_and(Vec::is_empty)
            {
                clock(&store, report).await;
            }
            store.close().await;
            examined
        }
        Err(error) => Err(error),
    };
    match examined {
        Ok(examination) => {
            report.ok(
                DATABASE,
                format!("{shown} answers, PostgreSQL {}", examination.server_version),
            );
            connection(&examination, options, report);
            schema(&examination, report);
        }
        Err(error) => report.wrong(
            DATABASE,
            Failure::new(shown.to_string(), error).to_string(),
            "Check DATABASE_URL (host, port, name, password, sslmode, sslrootcert), whether the server runs, \
             and whether this machine may reach it.",
        ),
    }
}

fn connection(examination: &Examination, options: &PostgresOptions, report: &mut Report) {
    if examination.is_too_old {
        report.wrong(
            DATABASE,
            format!("PostgreSQL {} is too old", examination.server_version),
            "Version 14 or newer is needed.",
        );
    }
    if examination.is_read_only {
        report.wrong(
            DATABASE,
            "only reads: a standby, or default_transaction_read_only",
            "DATABASE_URL must lead to the primary.",
        );
    }
    if !examination.is_encrypted && !examination.is_local {
        report.warning(
            DATABASE,
            "is reached without TLS",
            "Add ?sslmode=verify-full to DATABASE_URL, unless a pooler on this machine is what it \
             names.",
        );
    }
    let (ours, all) = (options.total_connections(), examination.max_connections);
    let finding = format!(
        "{} per replica and {} for its analytics, the server has {all}",
        options.max_connections,
        ours - options.max_connections
    );
    if ours > all {
        report.wrong(
            CONNECTIONS,
            finding,
            "Lower DATABASE_MAX_CONNECTIONS, raise the server's max_connections, or put a pooler in \
             between.",
        );
    } else {
        report.ok(
            CONNECTIONS,
            format!("{finding}: enough for {} replicas", all / ours.max(1)),
        );
    }
}

fn schema(examination: &Examination, report: &mut Report) {
    match (&examination.pending_migrations, examination.may_migrate) {
        (None, _) => report.wrong(SCHEMA, "is unknown: this role may not ask", GRANT),
        (Some(pending), _) if pending.is_empty() => report.ok(SCHEMA, "is up to date"),
        (Some(pending), true) => {
            report.warning(SCHEMA, format!("lacks {}", pending.join(", ")), MIGRATE);
        }
        (Some(pending), false) => report.wrong(
            SCHEMA,
            format!(
                "lacks {}, and this role may not make tables",
                pending.join(", ")
            ),
            "Run `moc-uploads migrate` as the role that owns the schema.",
        ),
    }
    if examination.missing_rights.is_empty() {
        report.ok(RIGHTS, "all that are needed");
    } else {
        report.wrong(
            RIGHTS,
            format!("missing on {}", examination.missing_rights.join("; ")),
            GRANT,
        );
    }
}

/// Everything goes by the database's clock; a machine whose own is far off has other troubles
/// (tokens of minutes, signatures of requests to a bucket).
async fn clock(store: &PostgresStore, report: &mut Report) {
    if store.ping().await.is_err() {
        return;
    }
    let ahead_ms = store.clock().ahead_ms();
    let finding = format!("the database's is {ahead_ms} ms ahead of this machine's");
    if ahead_ms.unsigned_abs() > SKEW.as_millis() as u64 {
        report.warning(
            CLOCK,
            finding,
            "Keep both by NTP. Sessions go by the database's clock.",
        );
    } else {
        report.ok(CLOCK, finding);
    }
}
