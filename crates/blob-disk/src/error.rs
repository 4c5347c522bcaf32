//! What goes wrong on a file system, in the words of the port.

use std::io::{self, ErrorKind};

use moc_uploads_core::ports::{ObjectStoreError, PutPartError};
use rustix::io::Errno;
use tokio::task::JoinError;
use tracing::Span;

use crate::uploads::Overtaken;

/// Full, failing, exhausted, locked away and gone are worth another try, once somebody has seen to
/// it; anything else is ours. Whoever looks for what may be missing uses [`if_found`] before.
pub(crate) fn store_error(error: io::Error) -> ObjectStoreError {
    let is_exhausted = matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::NotFound
            | ErrorKind::OutOfMemory
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::TimedOut
    ) || Errno::from_io_error(&error)
        .is_some_and(|errno| matches!(errno, Errno::IO | Errno::MFILE | Errno::NFILE));
    if is_exhausted {
        ObjectStoreError::Unavailable(error.into())
    } else {
        ObjectStoreError::Internal(error.into())
    }
}

/// A state that this store never gets into by itself.
pub(crate) fn internal(message: String) -> ObjectStoreError {
    ObjectStoreError::Internal(message.into())
}

/// Runs file I/O away from the async workers, in the caller's span.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ObjectStoreError> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(join_error)
}

/// The work panicked, or the runtime is going down.
pub(crate) fn join_error(error: JoinError) -> ObjectStoreError {
    if error.is_cancelled() {
        ObjectStoreError::Unavailable(error.into())
    } else {
        ObjectStoreError::Internal(error.into())
    }
}

/// `None` for what is not there.
pub(crate) fn if_found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A [`PutPartError`] that `?` makes of what the file system says.
pub(crate) struct PutFailure(pub(crate) PutPartError);

impl From<PutPartError> for PutFailure {
    fn from(error: PutPartError) -> Self {
        Self(error)
    }
}

impl From<io::Error> for PutFailure {
    fn from(error: io::Error) -> Self {
        Self(store_error(error).into())
    }
}

impl From<Overtaken> for PutFailure {
    /// When the completion fails, the part is worth another try; when it does not, the next try
    /// is told that the file is completed.
    fn from(error: Overtaken) -> Self {
        Self(ObjectStoreError::Unavailable(error.into()).into())
    }
}
