//! The schema and its versions. A migration that has landed never changes.

use ring::digest::{SHA256, digest};

use crate::error::Error;
use crate::sql::{self, Db};

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

impl Migration {
    fn checksum(&self) -> String {
        hex::encode(digest(&SHA256, self.sql.as_bytes()))
    }
}

/// Runs in a transaction that began by locking the database: of several processes one migrates.
pub(crate) fn migrate(db: &Db<'_>) -> Result<(), Error> {
    apply(db, MIGRATIONS)
}

fn apply(db: &Db<'_>, migrations: &'static [Migration]) -> Result<(), Error> {
    db.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
           version INTEGER NOT NULL PRIMARY KEY,
           name TEXT NOT NULL,
           checksum TEXT NOT NULL,
           applied_at INTEGER NOT NULL DEFAULT (CAST(unixepoch('subsec') * 1000 AS INTEGER))
         ) STRICT",
    )?;
    let applied = sql::all(
        db,
        "SELECT version, checksum FROM schema_migrations ORDER BY version",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let applied: Vec<(i64, String)> = applied;
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
                db.execute_batch(migration.sql)?;
                sql::execute(
                    db,
                    "INSERT INTO schema_migrations (version, name, checksum) VALUES (?1, ?2, ?3)",
                    (version, migration.name, checksum),
                )?;
                tracing::info!(migration = migration.name, "schema migrated");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    const FIRST: Migration = Migration {
        name: MIGRATIONS[0].name,
        sql: MIGRATIONS[0].sql,
    };
    const ONE: &[Migration] = &[FIRST];
    const TWO: &[Migration] = &[
        FIRST,
        Migration {
            name: "0002_more",
            sql: "ALTER TABLE upload_sessions ADD COLUMN more TEXT",
        },
    ];

    /// Append only. A change to a migration that databases out there have applied locks them out.
    const LANDED: &[&str] = &[
        "3c8010b795171f2c6c8ab0b21f4cd0ce39e9c4012213e5462a299500fdb189b5",
        "d049997a59acf6e283835ec36418e9e6757d9a47afbff0d3a534ce921b5b9b15",
        "9ef824916b477f9bf2c23585c4c5c429f403b9b3fc15bf348824bca54dcfba23",
        "3e3c3c0b985e7e6e3bb8bf2a7315159e346242f3bc3cb8d00081da05c8b6aed7",
        "3f2d8b0d85602c6a07b088fb1ef12f76ca2ced02d4b960e0c124c65ea8ff9a55",
        "9af85fe180d2f8ed3a7cb4fd87406613d5d9571af971f3fe9e942205cb941520",
        "0c418b470dde46ba3cfd07b42e09163c3ca63acf6b2dd34e5fb75dfb5852fd25",
        "094ba2c897b85bf4d6329d91d13ab73060bacebe14aeb21aba531e8ff02653d2",
        "9af85fe180d2f8ed3a7cb4fd87406613d5d9571af971f3fe9e942205cb941520",
        "c71f91010e1172b33ca9be77fec13b75cb4205e79363c5c69413d83ea1976dd1",
        "5008a5c9ff6160030506f1218a31423ae03d6343e7254cfb6476883a4b4d029a",
        "cd337f328092ade0da19bd21a8991648ae3f8e03a71fd994d1e4baf6c203f3cb",
        "97b0c9bf3b3a3e75821cc19c6cbf32c74c48c3bffde22697ffccf0680422a9c9",
        "cc7273657b0ca331dae68282c06b66f63edc31eec7b61b45f9b31405d53d9cbb",
    ];

    #[test]
    fn a_migration_that_has_landed_never_changes() {
        let checksums: Vec<_> = MIGRATIONS.iter().map(Migration::checksum).collect();
        assert_eq!(checksums, LANDED);
    }

    fn database() -> Connection {
        Connection::open_in_memory().unwrap()
    }

    #[test]
    fn migrating_again_changes_nothing_and_a_later_version_adds_its_own() {
        let connection = database();
        let db = Db::new(&connection);
        apply(&db, ONE).unwrap();
        apply(&db, ONE).unwrap();
        apply(&db, TWO).unwrap();
        apply(&db, TWO).unwrap();
        let count: i64 = db
            .query_row("SELECT count(*) FROM schema_migrations", [], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(count, 2);
    }

    #[test]
    fn a_database_of_a_newer_program_is_refused_by_name() {
        let connection = database();
        let db = Db::new(&connection);
        apply(&db, TWO).unwrap();
        let error = apply(&db, ONE).unwrap_err();
        assert!(matches!(error, Error::NewerSchema { found: 2, known: 1 }));
        assert!(error.to_string().contains("start a newer program"));
    }

    #[test]
    fn events_stay_as_they_are_when_their_table_is_made_anew() {
        const EVENTS: &str = "SELECT group_concat(concat_ws(' ', event_id, session_id, event_type,
            metadata, created_at), char(10) ORDER BY event_id) FROM upload_session_analytics";
        let connection = database();
        let db = Db::new(&connection);
        apply(&db, &MIGRATIONS[..13]).unwrap();
        db.execute_batch(
            "PRAGMA foreign_keys = ON;
             INSERT INTO upload_sessions (id, user_id, expires_at, created_at, updated_at)
             SELECT '00000000-0000-4000-8000-00000000000' || value, 'alice', 1, 1, 1
             FROM json_each('[1, 2, 3]');
             INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at)
             SELECT hex(randomblob(16)), s.id, 'session_created', '{\"n\":1}', random()
             FROM upload_sessions AS s, json_each('[1, 2, 3, 4, 5]');",
        )
        .unwrap();
        let events = || db.query_row(EVENTS, [], |row| row.get::<_, String>(0));
        let before = events().unwrap();
        assert_eq!(before.lines().count(), 15);
        // As a shell has them.
        db.execute_batch(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO upload_session_analytics (event_id, session_id, event_type)
             VALUES ('orphan', '00000000-0000-4000-8000-000000000009', 'session_created');
             PRAGMA foreign_keys = ON;",
        )
        .unwrap();
        apply(&db, MIGRATIONS).unwrap();
        assert_eq!(events().unwrap(), before);
    }

    #[test]
    fn a_migration_that_changed_after_it_landed_is_refused() {
        let connection = database();
        let db = Db::new(&connection);
        apply(&db, MIGRATIONS).unwrap();
        db.execute("UPDATE schema_migrations SET checksum = 'other'", [])
            .unwrap();
        assert!(matches!(
            apply(&db, MIGRATIONS),
            Err(Error::ChangedMigration("0001_init"))
        ));
    }
}
