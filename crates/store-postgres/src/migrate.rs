//! The schema and its versions. A migration that has landed never changes.

use ring::digest::{SHA256, digest};
use sqlx::Row;

use crate::error::Error;
use crate::sql::{Database, Lease};

struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// In order: the version of the first is 1.
const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "0001_init",
        sql: include_str!("../migrations/0001_init.sql"),
    },
    Migration {
        name: "0002_analytics_events",
        sql: include_str!("../migrations/0002_analytics_events.sql"),
    },
    Migration {
        name: "0003_storage_recheck",
        sql: include_str!("../migrations/0003_storage_recheck.sql"),
    },
    Migration {
        name: "0004_fail_files",
        sql: include_str!("../migrations/0004_fail_files.sql"),
    },
    Migration {
        name: "0005_analytics_hours",
        sql: include_str!("../migrations/0005_analytics_hours.sql"),
    },
    Migration {
        name: "0006_analytics_bulk",
        sql: include_str!("../migrations/0006_analytics_bulk.sql"),
    },
    Migration {
        name: "0007_search_path_and_restart",
        sql: include_str!("../migrations/0007_search_path_and_restart.sql"),
    },
    Migration {
        name: "0008_event_indexes",
        sql: include_str!("../migrations/0008_event_indexes.sql"),
    },
    Migration {
        name: "0009_analytics_notes",
        sql: include_str!("../migrations/0009_analytics_notes.sql"),
    },
    Migration {
        name: "0010_finalize_lease",
        sql: include_str!("../migrations/0010_finalize_lease.sql"),
    },
    Migration {
        name: "0011_no_statistics",
        sql: include_str!("../migrations/0011_no_statistics.sql"),
    },
    Migration {
        name: "0012_ids",
        sql: include_str!("../migrations/0012_ids.sql"),
    },
    Migration {
        name: "0013_event_session_ids",
        sql: include_str!("../migrations/0013_event_session_ids.sql"),
    },
    Migration {
        name: "0014_events_by_session",
        sql: include_str!("../migrations/0014_events_by_session.sql"),
    },
];

/// "moc" and "upl": whoever migrates holds the advisory lock of this number.
const LOCK: &str = "SELECT pg_advisory_xact_lock(x'6d6f6375706c'::bigint)";

/// The schema and nothing else: functions keep the path that they are made with. A path that does not
/// name `pg_temp` has it first.
const SEARCH_PATH: &str =
    "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)";

impl Migration {
    fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }
}

/// In one transaction, which holds the lock: of several processes one migrates.
pub(crate) async fn migrate(db: &Database) -> Result<(), Error> {
    let mut transaction = db.begin_patiently().await?;
    transaction.script(LOCK).await?;
    transaction.script(SEARCH_PATH).await?;
    apply(&mut transaction, MIGRATIONS).await?;
    transaction.commit().await
}

async fn apply(db: &mut Lease, migrations: &'static [Migration]) -> Result<(), Error> {
    if !is_recorded(db).await? {
        db.script(
            "CREATE TABLE schema_migrations (
               version bigint PRIMARY KEY,
               name text NOT NULL,
               checksum text NOT NULL,
               applied_at timestamptz NOT NULL DEFAULT now()
             )",
        )
        .await?;
    }
    for (migration, version) in pending(&applied(db).await?, migrations)? {
        db.script(migration.sql).await?;
        let record = sqlx::query(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
        );
        let checksum = migration.checksum();
        db.all(record.bind(version).bind(migration.name).bind(checksum))
            .await?;
        tracing::info!(migration = migration.name, "schema migrated");
    }
    Ok(())
}

/// The names of the migrations that are still to be done; nothing is changed.
pub(crate) async fn still_to_do(db: &mut Lease) -> Result<Vec<&'static str>, Error> {
    let applied = if is_recorded(db).await? {
        applied(db).await?
    } else {
        Vec::new()
    };
    let pending = pending(&applied, MIGRATIONS)?;
    Ok(pending
        .into_iter()
        .map(|(pending, _)| pending.name)
        .collect())
}

/// What was not applied, with versions.
fn pending(
    applied: &[(i64, String)],
    migrations: &'static [Migration],
) -> Result<Vec<(&'static Migration, i64)>, Error> {
    let known = migrations.len() as i64;
    if let Some(&(found, _)) = applied.last()
        && found > known
    {
        return Err(Error::NewerSchema { found, known });
    }
    let mut pending = Vec::new();
    for (migration, version) in migrations.iter().zip(1i64..) {
        match applied.iter().find(|(found, _)| *found == version) {
            Some((_, found)) if *found == migration.checksum() => {}
            Some(_) => return Err(Error::ChangedMigration(migration.name)),
            None => pending.push((migration, version)),
        }
    }
    Ok(pending)
}

/// Whether the table of versions is there. It is made only then: a role that may not make tables can
/// still ask for the state of a schema that is up to date.
async fn is_recorded(db: &mut Lease) -> Result<bool, Error> {
    let found = sqlx::query("SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL");
    Ok(!db.all(found).await?.is_empty())
}

/// Versions and checksums.
async fn applied(db: &mut Lease) -> Result<Vec<(i64, String)>, Error> {
    let versions = sqlx::query("SELECT version, checksum FROM schema_migrations ORDER BY version");
    let rows = db.all(versions).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
