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
];

/// "moc" and "upl": whoever migrates holds the advisory lock of this number.
const LOCK: &str = "SELECT pg_advisory_xact_lock(x'6d6f6375706c'::bigint)";

impl Migration {
    fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }
}

/// In one transaction, which holds the lock: of several processes one migrates.
pub(crate) async fn migrate(db: &Database) -> Result<(), Error> {
    let mut transaction = db.begin_patiently().await?;
    transaction.script(LOCK).await?;
    apply(&mut transaction, MIGRATIONS).await?;
    transaction.commit().await
}

async fn apply(db: &mut Lease, migrations: &'static [Migration]) -> Result<(), Error> {
    let applied = applied(db).await?;
    let known = migrations.len() as i64;
    if let Some(&(found, _)) = applied.last()
        && found > known
    {
        return Err(Error::NewerSchema { found, known });
    }
    for (migration, version) in migrations.iter().zip(1i64..) {
        let checksum = migration.checksum();
        match applied.iter().find(|(found, _)| *found == version) {
            Some((_, found)) if *found == checksum => {}
            Some(_) => return Err(Error::ChangedMigration(migration.name)),
            None => {
                db.script(migration.sql).await?;
                let record = sqlx::query(
                    "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
                );
                db.all(record.bind(version).bind(migration.name).bind(checksum))
                    .await?;
                tracing::info!(migration = migration.name, "schema migrated");
            }
        }
    }
    Ok(())
}

/// Versions and checksums. The table is made when it is not there: a role that may not make tables
/// can still ask for the state of a schema that is up to date.
async fn applied(db: &mut Lease) -> Result<Vec<(i64, String)>, Error> {
    let found = db
        .all(sqlx::query(
            "SELECT 1 WHERE to_regclass('schema_migrations') IS NOT NULL",
        ))
        .await?;
    if found.is_empty() {
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
    let rows = db
        .all(sqlx::query(
            "SELECT version, checksum FROM schema_migrations ORDER BY version",
        ))
        .await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}
