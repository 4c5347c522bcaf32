//! What goes wrong in SQLite, and what of it the port shows.

use std::path::PathBuf;
use std::sync::Arc;

use moc_uploads_core::ports::StoreError;
use rusqlite::ErrorCode;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Of a group: shared by all who were in it.
    #[error("transaction: {0}")]
    Transaction(#[source] Arc<Error>),
    #[error("the failure of another change ended the transaction")]
    Undone,
    #[error("column {column} can't be read: {cause}")]
    Column {
        column: usize,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{0} is out of range")]
    OutOfRange(u64),
    #[error("JSON can't be written: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the database has lost its identity")]
    NoIdentity,
    #[error("another server uses the database {}; stop it, or choose another one", .0.display())]
    InUse(PathBuf),
    #[error("the database is closed")]
    Closed,
    #[error("a database job panicked")]
    Panicked,
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: \
         start a newer program"
    )]
    NewerSchema { found: i64, known: i64 },
    #[error("migration {0} was applied to the database in another form")]
    ChangedMigration(&'static str),
}

impl Error {
    /// Whether the same may work a little later.
    fn is_passing(&self) -> bool {
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::CannotOpen
                )
            ),
            Self::Transaction(error) => error.is_passing(),
            Self::Closed | Self::Undone => true,
            _ => false,
        }
    }
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
