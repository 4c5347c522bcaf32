//! What whoever sets up a database wants to know.

use moc_uploads_core::ports::StoreError;
use sqlx::Row;

use crate::PostgresStore;
use crate::error::Error;
use crate::migrate::still_to_do;
use crate::sql::Lease;

/// What there is to know about a database before it is served from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// As the server calls it: `15.18 (Debian 15.18-0+deb12u1)`.
    pub server_version: String,
    /// Older than the schema's functions: PostgreSQL 14 is the first that has them all.
    pub is_too_old: bool,
    /// Whether this connection is by TLS.
    pub is_encrypted: bool,
    /// Whether this connection is by a socket of the same machine.
    pub is_local: bool,
    /// Whether nothing can be written: a standby, or a setting.
    pub is_read_only: bool,
    /// How many connections roles like this one can have, all programs together.
    pub max_connections: u32,
    /// Names of migrations that are still to be done; `None` where the role may not know.
    pub pending_migrations: Option<Vec<&'static str>>,
    /// Whether the role may make tables, as migrations do.
    pub may_migrate: bool,
    /// Rights that the role lacks on tables that are there: `upload_sessions: INSERT, UPDATE`.
    pub missing_rights: Vec<String>,
}

const SERVER: &str = "
SELECT
  current_setting('server_version'),
  coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
  inet_server_addr() IS NULL,
  pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean,
  current_setting('max_connections')::integer
    - current_setting('superuser_reserved_connections')::integer,
  coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
  current_setting('server_version_num')::integer < 140000,
  to_regclass('schema_migrations') IS NULL
    OR has_table_privilege(to_regclass('schema_migrations'), 'SELECT')";

const RIGHTS: &str = "
SELECT t.name || ': ' || string_agg(r.name, ', ' ORDER BY r.position)
FROM (
  SELECT unnest(ARRAY[
    'upload_sessions', 'upload_session_files', 'upload_session_parts', 'upload_session_analytics',
    'user_daily_uploads', 'idempotency_keys', 'moc_instructions', 'moc_files',
    'analytics_stale_hours', 'analytics_hours', 'analytics_hour_times'
  ]), ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
  UNION ALL
  SELECT unnest(ARRAY['database_identity', 'schema_migrations']), ARRAY['SELECT']
) AS t(name, rights)
CROSS JOIN unnest(t.rights) WITH ORDINALITY AS r(name, position)
WHERE to_regclass(t.name) IS NOT NULL AND NOT has_table_privilege(to_regclass(t.name), r.name)
GROUP BY t.name
ORDER BY t.name";

impl PostgresStore {
    /// Looks around and changes nothing.
    ///
    /// # Errors
    /// Those of the database; a schema of a newer program, or of migrations that are not those that
    /// this program knows.
    pub async fn examine(&self) -> Result<Examination, StoreError> {
        let mut transaction = match self.db.begin().await {
            Ok(transaction) => transaction,
            Err(error) => return Err(self.db.explain(error).await.into()),
        };
        let examination = examine(&mut transaction).await?;
        transaction.commit().await?;
        Ok(examination)
    }
}

async fn examine(db: &mut Lease) -> Result<Examination, Error> {
    let rows = db.all(sqlx::query(SERVER)).await?;
    let server = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    let missing = db.all(sqlx::query(RIGHTS)).await?;
    Ok(Examination {
        server_version: server.try_get(0)?,
        is_encrypted: server.try_get(1)?,
        is_local: server.try_get(2)?,
        is_read_only: server.try_get(3)?,
        max_connections: u32::try_from(server.try_get::<i32, _>(4)?).unwrap_or(0),
        may_migrate: server.try_get(5)?,
        is_too_old: server.try_get(6)?,
        missing_rights: missing
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?,
        pending_migrations: match server.try_get(7)? {
            true => Some(still_to_do(db).await?),
            false => None,
        },
    })
}
