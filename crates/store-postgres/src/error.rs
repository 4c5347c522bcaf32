//! What goes wrong in PostgreSQL, and what of it the port shows.

use std::time::Duration;

use moc_uploads_core::causes;
use moc_uploads_core::ports::StoreError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{}", in_words(.0))]
    Postgres(sqlx::Error),
    #[error("the database was not heard of for {} ms", .0.as_millis())]
    NoAnswer(Duration),
    #[error("the server does not answer")]
    NoConnection,
    #[error("other requests were always faster")]
    Contended,
    #[error("column {column} can't be read: {cause}")]
    Column {
        column: usize,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the database has lost its identity")]
    NoIdentity,
    #[error("{0} is out of range")]
    OutOfRange(u64),
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: \
         start a newer program"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("migration {0} was applied to the database in another form")]
    ChangedMigration(&'static str),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Postgres(error)
    }
}

/// Without the line of PostgreSQL's own source, which looks like one of a statement.
fn in_words(error: &sqlx::Error) -> String {
    match error.as_database_error() {
        Some(error) => {
            let code = error.code().unwrap_or_default();
            format!("{} ({code})", error.message())
        }
        None => causes(error),
    }
}

impl Error {
    /// Whether the same may work a little later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Postgres(sqlx::Error::Database(error)) => error.code().is_some_and(is_passing),
            Self::Postgres(error) => is_of_the_connection(error),
            Self::NoAnswer(_) | Self::NoConnection | Self::Contended => true,
            _ => false,
        }
    }
}

/// Whether the connection is of no use any more.
pub(crate) fn is_of_the_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // A primary that has become a standby stays one; its name may lead to another by now.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["08", "57P", "25006", "25P03"]
                .iter()
                .any(|prefix| code.starts_with(prefix))
        }),
        _ => false,
    }
}

/// By class or code of PostgreSQL's appendix A: connections, resources, operator intervention
/// (time-outs and shutdowns), system errors, serialization and deadlock, a lock that is not to be
/// had, a server that has become a standby, and one that does not let us in: a password or a
/// database that is being replaced.
fn is_passing(code: std::borrow::Cow<'_, str>) -> bool {
    [
        "08", "53", "57", "58", "40", "55P03", "25006", "25P03", "28", "3D",
    ]
    .iter()
    .any(|prefix| code.starts_with(prefix))
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        if error.is_passing() {
            Self::Unavailable(error.into())
        } else {
            Self::Internal(error.into())
        }
    }
}
