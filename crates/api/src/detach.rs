//! Work that runs to its end, whatever its client does.

use std::pin::Pin;
use std::task::{Context, Poll};

use moc_uploads_core::Error;
use moc_uploads_core::service::Uploads;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::state::App;

/// A request is dropped when its connection breaks. What has begun to change something is not left
/// half done because of that: it goes on by itself, in the request's span, and whoever serves can
/// wait for it.
pub(crate) fn to_its_end<T, W>(app: &App, work: impl FnOnce(Uploads) -> W) -> ToItsEnd<T>
where
    T: Send + 'static,
    W: Future<Output = Result<T, Error>> + Send + 'static,
{
    ToItsEnd {
        work: Some(Box::pin(work(app.uploads.clone()))),
        detached: app.config.detached.clone(),
    }
}

/// Work is done by the request's own task as long as there is one: a task of its own would cost two
/// wake-ups for every piece of a body.
pub(crate) struct ToItsEnd<T: Send + 'static> {
    /// There until it has ended.
    work: Option<Pin<Box<dyn Work<T>>>>,
    detached: TaskTracker,
}

trait Work<T>: Future<Output = Result<T, Error>> + Send {}

impl<T, W: Future<Output = Result<T, Error>> + Send> Work<T> for W {}

impl<T: Send + 'static> Future for ToItsEnd<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else {
            return Poll::Pending;
        };
        let outcome = work.as_mut().poll(cx);
        if outcome.is_ready() {
            self.work = None;
        }
        outcome
    }
}

impl<T: Send + 'static> Drop for ToItsEnd<T> {
    fn drop(&mut self) {
        // While a panic unwinds, nobody knows what state the work is in.
        if let Some(work) = self.work.take()
            && !std::thread::panicking()
            && let Ok(runtime) = Handle::try_current()
        {
            self.detached.spawn_on(work.in_current_span(), &runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use tokio::sync::oneshot;

    use super::*;

    fn to_its_end(
        detached: &TaskTracker,
        work: impl Future<Output = Result<i32, Error>> + Send + 'static,
    ) -> ToItsEnd<i32> {
        ToItsEnd {
            work: Some(Box::pin(work)),
            detached: detached.clone(),
        }
    }

    #[tokio::test]
    async fn work_ends_with_its_request_or_without_it() {
        let detached = TaskTracker::new();
        assert_eq!(to_its_end(&detached, async { Ok(7) }).await.unwrap(), 7);
        assert!(detached.is_empty());

        let (go_on, gate) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let mut work = Box::pin(to_its_end(&detached, async move {
            gate.await.map_err(Error::internal)?;
            done.send(()).map_err(|()| Error::NotFound("test"))?;
            Ok(0)
        }));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(&mut cx).is_pending());
        drop(work);
        assert_eq!(detached.len(), 1);
        go_on.send(()).unwrap();
        is_done.await.unwrap();
    }

    #[tokio::test]
    async fn work_whose_client_left_before_it_began_is_done_too() {
        let (done, is_done) = oneshot::channel();
        drop(to_its_end(&TaskTracker::new(), async move {
            done.send(()).map_err(|()| Error::NotFound("test"))?;
            Ok(0)
        }));
        is_done.await.unwrap();
    }
}
