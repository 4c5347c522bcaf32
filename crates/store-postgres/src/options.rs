//! How the database is reached.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use moc_uploads_core::ports::StoreError;
use moc_uploads_core::time::{Clock, SystemClock};
use sqlx::postgres::PgConnectOptions;

use crate::error::Error;
use crate::{EVENT_CONNECTIONS, REPORT_CONNECTIONS};

/// Settings of a [`PostgresStore`](crate::PostgresStore), the defaults filled in by
/// [`PostgresOptions::new`].
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database?sslmode=verify-full`. TLS is as `sslmode` says:
    /// `disable`, `prefer` (the default), `require`, `verify-ca` or `verify-full`.
    pub url: String,
    /// At most so many connections of this process (`DATABASE_MAX_CONNECTIONS`, 10), and five more
    /// for analytics.
    pub max_connections: u32,
    /// How long a request waits for a connection, be it that none is free or that none can be made
    /// (`DATABASE_CONNECT_TIMEOUT_MS`, 2000).
    pub connect_timeout: Duration,
    /// How long a statement may take (`DATABASE_STATEMENT_TIMEOUT_MS`, 5000). The server ends it
    /// then; where the server is not heard of, so does this process a second later. Whole
    /// milliseconds, at least 1.
    pub statement_timeout: Duration,
    /// Whether statements are prepared once per connection (`DATABASE_PREPARED_STATEMENTS`, true).
    /// `false` behind a transaction-mode pooler: each statement is then in a transaction of its own,
    /// which costs three more round trips.
    pub prepared_statements: bool,
    /// Whose clock decides.
    pub time: TimeSource,
    /// The clock of this machine, which [`PostgresStore::clock`](crate::PostgresStore::clock)
    /// corrects.
    pub local_clock: Arc<dyn Clock>,
}

impl PostgresOptions {
    /// The defaults.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            max_connections: 10,
            connect_timeout: Duration::from_secs(2),
            statement_timeout: Duration::from_secs(5),
            prepared_statements: true,
            time: TimeSource::Database,
            local_clock: Arc::new(SystemClock),
        }
    }

    /// Connections that a store has at most, those for analytics among them.
    pub fn total_connections(&self) -> u32 {
        self.max_connections
            .saturating_add(EVENT_CONNECTIONS + REPORT_CONNECTIONS)
    }

    /// Whether the URL can be right, without asking anybody.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub fn check(&self) -> Result<(), StoreError> {
        PgConnectOptions::from_str(&self.url)
            .map(drop)
            .map_err(|error| Error::from(error).into())
    }
}

/// Whose clock decides about expiry, extension and locks, and dates what is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimeSource {
    /// The server's, which all replicas share.
    #[default]
    Database,
    /// The `now` that the port's methods are called with: for tests, which move it.
    Caller,
}
