//! A piece of database work, and the task that waits for what comes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use moc_uploads_core::ports::StoreError;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::queue::Queue;
use crate::sql::Db;

pub(crate) type Job = Box<dyn Task>;

/// Run and answered apart, because what a writer did counts only after the commit.
pub(crate) trait Task: Send {
    /// Does the work; whether it succeeded. Done again when what was done before is undone.
    fn run(&mut self, db: &Db<'_>) -> bool;

    /// What was done is about to be committed: nobody can see it yet.
    fn note(&mut self);

    /// Answers with what came of it, or with what undid it.
    fn answer(self: Box<Self>, undone: Option<Error>);
}

struct Work<F, T, N> {
    work: F,
    outcome: Option<Result<T, Error>>,
    note: N,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T, N> Task for Work<F, T, N>
where
    F: FnMut(&Db<'_>) -> Result<T, Error> + Send,
    T: Send,
    N: FnMut(Option<&T>) + Send,
{
    fn run(&mut self, db: &Db<'_>) -> bool {
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(db)));
        let outcome = outcome.unwrap_or(Err(Error::Panicked));
        self.outcome.insert(outcome).is_ok()
    }

    fn note(&mut self) {
        if let Some(Ok(outcome)) = &self.outcome {
            (self.note)(Some(outcome));
        }
    }

    fn answer(mut self: Box<Self>, undone: Option<Error>) {
        let answer = match (self.outcome, undone) {
            (Some(Err(error)), _) | (_, Some(error)) => Err(error),
            (Some(outcome), None) => outcome,
            (None, None) => Err(Error::Closed),
        };
        if answer.is_err() {
            (self.note)(None);
        }
        // Nobody waits when the request was given up meanwhile.
        drop(self.reply.send(answer));
    }
}

/// A job, and where its answer comes. `note` hears of what is done just before it is committed, in the
/// order of the commits and whether anybody waits or not; and of nothing, before the answer, when that
/// is an error: maybe after it was told otherwise.
pub(crate) fn noted_job<T: Send + 'static>(
    work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
    note: impl FnMut(Option<&T>) + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, Error>>) {
    let (reply, answer) = oneshot::channel();
    let work = Work {
        work,
        outcome: None,
        note,
        reply,
    };
    (Box::new(work), answer)
}

/// Queues `work` and waits for its answer.
pub(crate) async fn submit<T: Send + 'static>(
    queue: &Queue<Job>,
    work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, StoreError> {
    submit_noted(queue, work, |_| ()).await
}

/// As [`submit`], with a note: see [`noted_job`].
pub(crate) async fn submit_noted<T: Send + 'static>(
    queue: &Queue<Job>,
    work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
    note: impl FnMut(Option<&T>) + Send + 'static,
) -> Result<T, StoreError> {
    let (job, answer) = noted_job(work, note);
    if !queue.push(job) {
        return Err(Error::Closed.into());
    }
    Ok(answer.await.map_err(|_| Error::Closed)??)
}

/// A job, and where its answer comes.
#[cfg(test)]
pub(crate) fn job<T: Send + 'static>(
    work: impl FnMut(&Db<'_>) -> Result<T, Error> + Send + 'static,
) -> (Job, oneshot::Receiver<Result<T, Error>>) {
    noted_job(work, |_| ())
}
