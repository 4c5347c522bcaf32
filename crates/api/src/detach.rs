//! Work that runs to its end, whatever its client does.

use moc_uploads_core::Error;
use tracing::Instrument;

/// A request is dropped when its connection breaks. What has begun to change something is not left
/// half done because of that: it goes on by itself, in the request's span.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work.in_current_span())
        .await
        .map_err(Error::internal)?
}
