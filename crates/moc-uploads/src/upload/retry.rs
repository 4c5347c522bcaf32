//! When a request is tried again.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use super::error::Error;
use super::progress::{Event, Reporter};

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(15);
/// Nothing is lost before the first answer, and a wrong `--server` should be noticed soon.
const FIRST_CONTACT: u16 = 5;

/// Backoff with full jitter: a wait is anything up to a bound that doubles from 250 ms to 15 s,
/// after what the server asked for with `Retry-After`.
#[derive(Clone)]
pub(crate) struct Retry {
    times: u16,
    reporter: Arc<dyn Reporter>,
}

impl Retry {
    /// `times` is how often a request is repeated.
    pub(crate) fn new(times: u16, reporter: Arc<dyn Reporter>) -> Self {
        Self { times, reporter }
    }

    /// The policy until the server has answered once: a few seconds.
    pub(crate) fn first_contact(&self) -> Self {
        Self {
            times: self.times.min(FIRST_CONTACT),
            reporter: Arc::clone(&self.reporter),
        }
    }

    /// Calls until it succeeds, fails for good, or was repeated often enough.
    ///
    /// # Errors
    /// The last one.
    pub(crate) async fn run<T>(
        &self,
        what: &str,
        call: impl AsyncFn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run_when(what, Error::is_transient, call).await
    }

    /// As [`Retry::run`], with another opinion on what may pass.
    ///
    /// # Errors
    /// The last one.
    pub(crate) async fn run_when<T>(
        &self,
        what: &str,
        may_pass: impl Fn(&Error) -> bool,
        call: impl AsyncFn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        (|| call())
            .retry(
                ExponentialBuilder::default()
                    .with_min_delay(SHORTEST)
                    .with_max_delay(LONGEST)
                    .with_max_times(self.times.into()),
            )
            .sleep(tokio::time::sleep)
            .when(may_pass)
            .adjust(|error, bound| bound.map(|bound| wait(error.retry_after(), bound)))
            .notify(|error, wait| {
                self.reporter.event(&Event::Retry {
                    what,
                    reason: &error.to_string(),
                    wait_ms: wait.as_millis() as u64,
                });
            })
            .await
    }
}

fn wait(retry_after: Option<Duration>, bound: Duration) -> Duration {
    retry_after.unwrap_or_default() + rand::random_range(Duration::ZERO..=bound)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::super::error::Problem;
    use super::super::progress::Quiet;
    use super::*;

    fn refused(status: u16) -> Error {
        Error::Refused(Box::new(Problem {
            status,
            ..Problem::default()
        }))
    }

    async fn calls(times: u16, status: u16, succeed_at: u32) -> (u32, bool) {
        let calls = AtomicU32::new(0);
        let retry = Retry::new(times, Arc::new(Quiet));
        let result = retry
            .run("test", async || {
                let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
                if call == succeed_at {
                    Ok(())
                } else {
                    Err(refused(status))
                }
            })
            .await;
        (calls.into_inner(), result.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn repeats_what_may_pass_and_gives_up() {
        assert_eq!(calls(20, 503, 4).await, (4, true));
        assert_eq!(calls(3, 503, 9).await, (4, false));
        assert_eq!(calls(20, 409, 9).await, (1, false));
    }

    #[test]
    fn waits_what_was_asked_for_and_up_to_the_bound_more() {
        let bound = Duration::from_secs(4);
        for _ in 0..100 {
            assert!(wait(None, bound) <= bound);
            let asked = Duration::from_secs(7);
            let wait = wait(Some(asked), bound);
            assert!(wait >= asked && wait <= asked + bound);
        }
    }
}
