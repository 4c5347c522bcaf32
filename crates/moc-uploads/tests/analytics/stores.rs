//! One table in two databases.

use std::sync::Arc;

use moc_uploads_core::analytics_report::{AnalyticsQuery, AnalyticsReport};
use moc_uploads_core::ports::EventStore;
use moc_uploads_store_postgres::{PostgresOptions, PostgresStore};
use moc_uploads_store_sqlite::SqliteStore;
use moc_uploads_testkit::postgres::Database;
use tempfile::TempDir;

use crate::model::Model;
use crate::random::{Change, Row, SESSION_COUNT, owner, session_id};

pub(crate) struct Stores {
    sqlite: SqliteStore,
    postgres: Arc<PostgresStore>,
    database: Database,
    folder: TempDir,
}

impl Stores {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = SqliteStore::open(folder.path().join("test.db"))
            .await
            .unwrap();
        sqlite.migrate().await.unwrap();
        let database = Database::empty();
        let postgres = PostgresStore::open(&PostgresOptions::new(database.url())).unwrap();
        postgres.migrate().await.unwrap();
        Self {
            sqlite,
            postgres: Arc::new(postgres),
            database,
            folder,
        }
    }

    /// Sessions without events.
    pub(crate) fn reset(&self) {
        let mut sql = "DELETE FROM upload_sessions;".to_owned();
        for session in 0..SESSION_COUNT {
            sql += &insert_session(session);
        }
        self.database.psql(&sql.replace("'now'", "now()"));
        self.sqlite(&sql.replace("'now'", "0"));
    }

    /// Does the same to both tables.
    pub(crate) fn apply(&self, change: &Change, before: &Model) {
        let ids = before.named(change);
        let ids: Vec<_> = ids.iter().map(|id| format!("'{id}'")).collect();
        let named = format!("event_id IN ({})", ids.join(", "));
        let sql = |is_postgres: bool| match change {
            Change::Insert(rows) => insert(rows, is_postgres),
            Change::Delete(_) if !ids.is_empty() => {
                format!("DELETE FROM upload_session_analytics WHERE {named}")
            }
            Change::Update(_, row) if !ids.is_empty() => format!(
                "UPDATE upload_session_analytics \
                 SET (session_id, event_type, metadata, created_at) = ({}) WHERE {named}",
                values(row, is_postgres)
            ),
            Change::DeleteSession(session) => format!(
                "DELETE FROM upload_sessions WHERE id = '{}'; {}",
                session_id(*session),
                insert_session(*session).replace("'now'", if is_postgres { "now()" } else { "0" })
            ),
            Change::Truncate if is_postgres => "TRUNCATE upload_session_analytics".to_owned(),
            Change::Truncate => "DELETE FROM upload_session_analytics".to_owned(),
            Change::Delete(_) | Change::Update(..) | Change::Prepare => String::new(),
        };
        self.database.psql(&sql(true));
        self.sqlite(&sql(false));
    }

    pub(crate) async fn prepare(&self) {
        while self.sqlite.prepare_reports().await.unwrap() {}
        while self.postgres.prepare_reports().await.unwrap() {}
    }

    /// SQLite's and PostgreSQL's.
    pub(crate) async fn report(&self, query: &AnalyticsQuery) -> [AnalyticsReport; 2] {
        let sqlite = self.sqlite.report(query.clone()).await.unwrap();
        [sqlite, self.postgres.report(query.clone()).await.unwrap()]
    }

    fn sqlite(&self, sql: &str) {
        let db = rusqlite::Connection::open(self.folder.path().join("test.db")).unwrap();
        db.pragma_update(None, "foreign_keys", true).unwrap();
        db.execute_batch(sql).unwrap();
    }
}

fn insert_session(session: u128) -> String {
    format!(
        "INSERT INTO upload_sessions (id, user_id, expires_at, created_at, updated_at) \
         VALUES ('{}', {}, 'now', 'now', 'now');",
        session_id(session),
        quoted(owner(session)),
    )
}

fn insert(rows: &[Row], is_postgres: bool) -> String {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| format!("('{}', {})", row.id, values(row, is_postgres)))
        .collect();
    format!(
        "INSERT INTO upload_session_analytics \
           (event_id, session_id, event_type, metadata, created_at) VALUES {}",
        rows.join(", ")
    )
}

fn values(row: &Row, is_postgres: bool) -> String {
    let at = match is_postgres {
        // It has no year 0.
        true => match row.at.to_string().strip_prefix("0000-") {
            Some(rest) => format!("'0001-{rest} BC'::timestamptz"),
            None => format!("'{}'::timestamptz", row.at),
        },
        false => row.at.unix_ms().to_string(),
    };
    let metadata = row.metadata.as_deref().map_or("NULL".to_owned(), quoted);
    let metadata = match is_postgres {
        true => format!("{metadata}::jsonb"),
        false => metadata,
    };
    let session = session_id(row.session);
    let event_type = quoted(&row.event_type);
    let cast = if is_postgres { "::uuid" } else { "" };
    format!("'{session}'{cast}, {event_type}, {metadata}, {at}")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
