//! Work that runs to its end, whatever its client does.

use moc_uploads_core::Error;
use moc_uploads_core::service::Uploads;
use tracing::Instrument;

use crate::state::App;

/// A request is dropped when its connection breaks. What has begun to change something is not left
/// half done because of that: it goes on by itself, in the request's span, and whoever serves can
/// wait for it.
pub(crate) async fn to_its_end<T, Work>(
    app: &App,
    work: impl FnOnce(Uploads) -> Work,
) -> Result<T, Error>
where
    T: Send + 'static,
    Work: Future<Output = Result<T, Error>> + Send + 'static,
{
    let work = work(app.uploads.clone()).in_current_span();
    app.config
        .detached
        .spawn(work)
        .await
        .map_err(Error::internal)?
}
