//! When answers go out: what they say survives power loss by then.
//!
//! SQLite writes a commit to its log; a thread of its own syncs the log and answers. The writer runs
//! the next group meanwhile, and one sync serves all that were committed while the one before ran.

use std::fs::File;
use std::io;
use std::iter;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use crate::error::Error;
use crate::task::Job;

/// Where jobs go when they have run. The thread ends with the last of these.
#[derive(Clone)]
pub(crate) struct Answers {
    waiting: Sender<Vec<Job>>,
    commits: Arc<Commits>,
}

/// How many there were; one runs at a time.
#[derive(Default)]
struct Commits {
    begun: AtomicU64,
    ended: AtomicU64,
    synced: AtomicU64,
    /// After a sync that failed: the system says once that it could not write, and forgets. No later
    /// sync makes up for it.
    failure: OnceLock<Arc<Error>>,
}

impl Commits {
    fn are_synced(&self) -> bool {
        self.synced.load(SeqCst) >= self.begun.load(SeqCst)
    }
}

impl Answers {
    /// `sync` makes all that is committed survive power loss, when it comes as far as trying.
    pub(crate) fn spawn(
        sync: impl FnMut() -> io::Result<io::Result<()>> + Send + 'static,
    ) -> Result<(Self, JoinHandle<()>), Error> {
        let (waiting, receiver) = mpsc::channel();
        let commits = Arc::new(Commits::default());
        let answers = Self {
            waiting,
            commits: Arc::clone(&commits),
        };
        let thread = std::thread::Builder::new()
            .name("sqlite-syncer".to_owned())
            .spawn(move || run(&receiver, &commits, sync))?;
        Ok((answers, thread))
    }

    /// Why nothing can be acknowledged any more, until a restart.
    pub(crate) fn failure(&self) -> Option<&Arc<Error>> {
        self.commits.failure.get()
    }

    /// Does what others may see before it is durable.
    pub(crate) fn commit<T>(&self, commit: impl FnOnce() -> T) -> T {
        self.commits.begun.fetch_add(1, SeqCst);
        let committed = commit();
        self.commits.ended.fetch_add(1, SeqCst);
        committed
    }

    /// Answers for jobs as soon as all that they did or saw is durable.
    pub(crate) fn give(&self, jobs: Vec<Job>) {
        if jobs.is_empty() || self.commits.are_synced() {
            answer(jobs, None);
        } else if let Err(mpsc::SendError(jobs)) = self.waiting.send(jobs) {
            answer(jobs, Some(&Arc::new(Error::Closed)));
        }
    }
}

fn run(
    waiting: &Receiver<Vec<Job>>,
    commits: &Commits,
    mut sync: impl FnMut() -> io::Result<io::Result<()>>,
) {
    while let Ok(first) = waiting.recv() {
        let groups: Vec<_> = iter::once(first).chain(waiting.try_iter()).collect();
        let ended = commits.ended.load(SeqCst);
        let mut failure = commits.failure.get().cloned();
        // Those who have only read may wait for no more than the sync before.
        if failure.is_none() && !commits.are_synced() {
            failure = match sync() {
                Ok(Ok(())) => {
                    commits.synced.store(ended, SeqCst);
                    None
                }
                Ok(Err(error)) => {
                    tracing::error!(%error, "log not synced: nothing is acknowledged until a restart");
                    let failure = Arc::new(Error::NotSynced(error));
                    Some(Arc::clone(commits.failure.get_or_init(|| failure)))
                }
                Err(error) => {
                    tracing::warn!(%error, "log not synced, it can't be opened");
                    Some(Arc::new(Error::NotSynced(error)))
                }
            };
        }
        for jobs in groups {
            answer(jobs, failure.as_ref());
        }
    }
}

/// Answers for jobs, whatever has undone them.
pub(crate) fn answer(jobs: Vec<Job>, undone: Option<&Arc<Error>>) {
    for job in jobs {
        job.answer(undone.cloned().map(Error::Transaction));
    }
}

/// Syncs SQLite's log of this database.
pub(crate) fn log_of(database: &Path) -> impl FnMut() -> io::Result<io::Result<()>> + use<> {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    let folder = database.parent().map(Path::to_owned);
    let mut log = None;
    move || {
        let log = match &mut log {
            Some(log) => log,
            None => {
                if let Some(folder) = &folder {
                    File::open(folder)?.sync_all()?;
                }
                log.insert(File::open(&path)?)
            }
        };
        Ok(log.sync_data())
    }
}

#[cfg(test)]
mod tests {
    use moc_uploads_core::ports::StoreError;
    use rusqlite::Connection;
    use tokio::sync::oneshot::{Receiver, error::TryRecvError};

    use super::*;
    use crate::task;

    /// A job that has run.
    fn job() -> (Vec<Job>, Receiver<Result<(), Error>>) {
        let (mut job, answer) = task::job(|_| Ok(()));
        assert!(job.run(&Connection::open_in_memory().unwrap()));
        (vec![job], answer)
    }

    fn refused(answer: Result<(), Error>) -> bool {
        matches!(
            answer.map_err(StoreError::from),
            Err(StoreError::Unavailable(_))
        )
    }

    #[test]
    fn nothing_is_said_of_a_commit_before_it_is_synced() {
        let (begin, begun) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let (answers, thread) = Answers::spawn(move || {
            begin.send(()).unwrap();
            ended.recv().unwrap()
        })
        .unwrap();

        let (reading, mut seen) = job();
        answers.give(reading);
        assert!(
            seen.try_recv().unwrap().is_ok(),
            "there is no commit to see"
        );

        let (change, mut done) = job();
        answers.commit(|| ());
        answers.give(change);
        begun.recv().unwrap();
        let (reading, mut seen) = job();
        answers.give(reading);
        for answer in [&mut done, &mut seen] {
            assert!(matches!(answer.try_recv(), Err(TryRecvError::Empty)));
        }
        end.send(Ok(Ok(()))).unwrap();
        assert!(done.blocking_recv().unwrap().is_ok());
        // It has seen what this sync covers, and there is nothing for another.
        assert!(seen.blocking_recv().unwrap().is_ok());

        let (change, done) = job();
        answers.commit(|| ());
        answers.give(change);
        begun.recv().unwrap();
        // Who comes while a sync runs may see more than it covers.
        answers.commit(|| ());
        let (reading, mut seen) = job();
        answers.give(reading);
        end.send(Ok(Ok(()))).unwrap();
        assert!(done.blocking_recv().unwrap().is_ok());
        begun.recv().unwrap();
        assert!(matches!(seen.try_recv(), Err(TryRecvError::Empty)));
        end.send(Ok(Ok(()))).unwrap();
        assert!(seen.blocking_recv().unwrap().is_ok());

        drop(answers);
        thread.join().unwrap();
    }

    #[test]
    fn after_a_sync_that_failed_nothing_is_acknowledged() {
        let mut results = vec![Ok(Ok(())), Ok(Err(io::ErrorKind::Other.into()))];
        let (answers, thread) = Answers::spawn(move || results.pop().unwrap()).unwrap();
        assert!(answers.failure().is_none());
        for _ in 0..2 {
            let (change, done) = job();
            answers.commit(|| ());
            answers.give(change);
            assert!(refused(done.blocking_recv().unwrap()));
        }
        let (reading, seen) = job();
        answers.give(reading);
        assert!(refused(seen.blocking_recv().unwrap()));
        assert!(answers.failure().is_some());
        drop(answers);
        thread.join().unwrap();
    }

    #[test]
    fn a_log_that_can_not_be_opened_is_tried_again() {
        let mut results = vec![Ok(Ok(())), Err(io::ErrorKind::Other.into())];
        let (answers, thread) = Answers::spawn(move || results.pop().unwrap()).unwrap();
        for is_refused in [true, false] {
            let (change, done) = job();
            answers.commit(|| ());
            answers.give(change);
            assert_eq!(refused(done.blocking_recv().unwrap()), is_refused);
        }
        drop(answers);
        thread.join().unwrap();
    }
}
