//! Statements, and the transactions around them.

use std::future::Future;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow};
use sqlx::{AssertSqlSafe, Connection, Executor, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::connection;
use crate::error::{Error, is_of_the_connection};
use crate::options::PostgresOptions;

pub(crate) type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// After this the server has had its time to end a statement by itself.
const GRACE: Duration = Duration::from_secs(1);

/// How long a statement over many rows may take, and how long a report waits for its turn.
const REPORT_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Database {
    pool: PgPool,
    has_prepared_statements: bool,
    statement_timeout: Duration,
}

impl Database {
    pub(crate) fn open(options: &PostgresOptions) -> Result<Self, Error> {
        Ok(Self {
            pool: connection::pool(options)?,
            has_prepared_statements: options.prepared_statements,
            statement_timeout: options.statement_timeout,
        })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    /// All rows of one statement, which is a transaction by itself.
    pub(crate) async fn all(&self, query: Query) -> Result<Vec<PgRow>, Error> {
        self.for_one().await?.all_and_commit(query).await
    }

    /// As [`Database::all`], planned for its parameters each time: where the plan for the average
    /// user is a bad one for others.
    pub(crate) async fn all_planned(&self, query: Query) -> Result<Vec<PgRow>, Error> {
        let mut lease = self.for_one().await?;
        lease.is_persistent = false;
        lease.all_and_commit(query).await
    }

    async fn for_one(&self) -> Result<Lease, Error> {
        if self.has_prepared_statements {
            self.lease().await
        } else {
            // Between its parsing and its execution a pooler may go to another server, unless a
            // transaction holds it.
            self.begin().await
        }
    }

    /// The first row of one statement.
    pub(crate) async fn first(&self, query: Query) -> Result<Option<PgRow>, Error> {
        Ok(self.all(query).await?.into_iter().next())
    }

    /// A transaction, for more than one statement.
    pub(crate) async fn begin(&self) -> Result<Lease, Error> {
        let timeout_ms = self.statement_timeout.as_millis();
        self.begin_with(timeout_ms, self.statement_timeout + GRACE)
            .await
    }

    /// A transaction whose statements may take as long as they do.
    pub(crate) async fn begin_patiently(&self) -> Result<Lease, Error> {
        self.begin_with(0, Duration::MAX).await
    }

    /// A transaction for a statement over many rows.
    pub(crate) async fn begin_long(&self) -> Result<Lease, Error> {
        self.begin_with(REPORT_TIMEOUT.as_millis(), REPORT_TIMEOUT + GRACE)
            .await
    }

    /// A transaction that sees everything as of one moment, for statements over many rows: planned
    /// for their parameters each time. In one process each: a user's few sessions are not worth a
    /// second one, which makes a pass over all of them look cheap.
    pub(crate) async fn begin_report(&self) -> Result<Lease, Error> {
        let mut lease = self.begin_long().await?;
        lease.is_persistent = false;
        lease
            .script(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
                 SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0; \
                 SET LOCAL work_mem = '64MB'",
            )
            .await?;
        Ok(lease)
    }

    async fn begin_with(&self, timeout_ms: u128, deadline: Duration) -> Result<Lease, Error> {
        let mut lease = self.lease().await?;
        lease.deadline = deadline;
        lease.in_transaction = true;
        let idle_ms = (self.statement_timeout + GRACE).as_millis();
        // A replica that vanishes with its network must not hold its locks until TCP gives up.
        lease
            .script(format!(
                "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = {timeout_ms}; \
                 SET LOCAL idle_in_transaction_session_timeout = {idle_ms}"
            ))
            .await?;
        Ok(lease)
    }

    /// Why there is no connection, when that is the error: the pool tries again for as long as it has
    /// time, and keeps to itself what went wrong.
    pub(crate) async fn explain(&self, error: Error) -> Error {
        if !matches!(error, Error::Postgres(sqlx::Error::PoolTimedOut)) {
            return error;
        }
        let options = self.pool.connect_options();
        match tokio::time::timeout(GRACE, PgConnection::connect_with(&options)).await {
            Ok(Err(cause)) => cause.into(),
            Ok(Ok(_)) => error,
            Err(_) => Error::NoConnection,
        }
    }

    async fn lease(&self) -> Result<Lease, Error> {
        Ok(Lease {
            connection: self.pool.acquire().await?,
            is_busy: false,
            in_transaction: false,
            deadline: self.statement_timeout + GRACE,
            is_persistent: self.has_prepared_statements,
        })
    }
}

/// Lets so many do something at once.
pub(crate) struct Turns(Semaphore);

impl Turns {
    pub(crate) fn new(at_once: u32) -> Self {
        Self(Semaphore::new(at_once as usize))
    }

    /// A turn, until it is dropped.
    pub(crate) async fn next(&self) -> Result<SemaphorePermit<'_>, Error> {
        let turn = tokio::time::timeout(REPORT_TIMEOUT, self.0.acquire()).await;
        turn.ok()
            .and_then(Result::ok)
            .ok_or(Error::NoAnswer(REPORT_TIMEOUT))
    }
}

/// A connection while it is used. One that is given up in the middle of something is closed, which
/// undoes its transaction; waiting for its end could take for ever.
pub(crate) struct Lease {
    connection: PoolConnection<Postgres>,
    is_busy: bool,
    in_transaction: bool,
    deadline: Duration,
    is_persistent: bool,
}

impl Lease {
    pub(crate) async fn all(&mut self, query: Query) -> Result<Vec<PgRow>, Error> {
        let query = query.persistent(self.is_persistent);
        self.is_busy = true;
        let rows = within(self.deadline, self.connection.fetch_all(query)).await;
        self.is_busy = is_still_busy(&rows);
        rows
    }

    async fn all_and_commit(mut self, query: Query) -> Result<Vec<PgRow>, Error> {
        let rows = self.all(query).await?;
        self.commit().await?;
        Ok(rows)
    }

    /// Several statements, none with parameters.
    pub(crate) async fn script(&mut self, sql: impl Into<String>) -> Result<(), Error> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        self.is_busy = true;
        let done = within(self.deadline, self.connection.execute(script)).await;
        self.is_busy = is_still_busy(&done);
        done.map(drop)
    }

    /// Ends the transaction, where there is one.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        if self.in_transaction {
            self.script("COMMIT").await?;
            self.in_transaction = false;
        }
        Ok(())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_busy || self.in_transaction {
            self.connection.close_on_drop();
        }
    }
}

async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Error> {
    match tokio::time::timeout(deadline, work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Error::NoAnswer(deadline)),
    }
}

fn is_still_busy<T>(result: &Result<T, Error>) -> bool {
    match result {
        Ok(_) => false,
        Err(Error::Postgres(error)) => is_of_the_connection(error),
        Err(_) => true,
    }
}

/// As PostgreSQL keeps numbers.
pub(crate) fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| Error::OutOfRange(value))
}
