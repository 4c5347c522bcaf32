//! Frees what ended sessions hold, as long as the object store answers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{CALLS_AT_ONCE, Uploads};
use crate::error::Error;
use crate::ports::{EndedSession, Upload};

/// Sessions under way at once; each has [`CALLS_AT_ONCE`].
const SESSIONS_AT_ONCE: usize = 4;

/// A store that was silent so often without an answer in between is asked no more in this run: each
/// call waits for as long as a store may take.
const MAX_UNANSWERED: usize = 2 * SESSIONS_AT_ONCE;

impl Uploads {
    /// Frees what an ended session holds. Safe to repeat and to break off.
    pub(super) async fn free_session(&self, ended: &EndedSession) -> Result<(), Error> {
        self.free_uploads(&ended.uploads).await?;
        self.deps
            .sessions
            .mark_session_freed(ended.session.id, self.now())
            .await?;
        tracing::info!(
            session_id = %ended.session.id,
            upload_count = ended.uploads.len(),
            "session storage freed"
        );
        Ok(())
    }

    /// Removes what uploads that are over hold, joined or not. Safe to repeat and to break off.
    pub(super) async fn free_uploads(&self, uploads: &[Upload]) -> Result<(), Error> {
        stream::iter(uploads)
            .map(Ok)
            .try_for_each_concurrent(CALLS_AT_ONCE, |upload| async move {
                self.deps.objects.abort_upload(upload).await?;
                self.deps.objects.delete_object(&upload.key).await?;
                Ok(())
            })
            .await
    }
}

/// What came of it.
pub(super) struct Worked {
    /// For how many.
    pub(super) done: usize,
    /// Nobody answers; what is left is for the next run.
    pub(super) is_given_up: bool,
}

/// Does `work`, which says itself what went wrong, for each, a few at once, until nobody answers.
pub(super) async fn while_answered<'a, T, F>(items: &'a [T], work: impl Fn(&'a T) -> F) -> Worked
where
    F: Future<Output = Result<(), Error>>,
{
    let (done, unanswered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let ended = stream::iter(items)
        .map(Ok)
        .try_for_each_concurrent(SESSIONS_AT_ONCE, |item| {
            let (working, done, unanswered) = (work(item), &done, &unanswered);
            async move {
                match working.await {
                    Ok(()) => {
                        done.fetch_add(1, Relaxed);
                        unanswered.store(0, Relaxed);
                        Ok(())
                    }
                    Err(Error::StorageUnavailable(_) | Error::DatabaseUnavailable(_))
                        if unanswered.fetch_add(1, Relaxed) + 1 >= MAX_UNANSWERED =>
                    {
                        Err(())
                    }
                    Err(_) => Ok(()),
                }
            }
        })
        .await;
    Worked {
        done: done.into_inner(),
        is_given_up: ended.is_err(),
    }
}
