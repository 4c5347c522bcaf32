//! Waiting for the MOC while another call is at it.

use std::time::Duration;

use tokio::time::Instant;

use super::error::Error;

/// How long another finalize may take: its lock goes stale after 5 minutes by default (CONTRACT
/// section 5), then ours goes through.
const PATIENCE: Duration = Duration::from_secs(6 * 60);
/// Waits double from the first to the last.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Asks until there is an answer.
///
/// # Errors
/// That of the call, or [`Error::Stalled`] when patience ends; the session stays as it is then.
pub(crate) async fn poll<T>(call: impl AsyncFn() -> Result<Option<T>, Error>) -> Result<T, Error> {
    let give_up = Instant::now() + PATIENCE;
    let mut wait = FIRST_WAIT;
    loop {
        if let Some(answer) = call().await? {
            return Ok(answer);
        }
        let now = Instant::now();
        if now >= give_up {
            return Err(Error::Stalled(PATIENCE));
        }
        tokio::time::sleep(wait.min(give_up - now)).await;
        wait = LONGEST_WAIT.min(wait * 2);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The answer of a MOC that is there after `ready`, and how often it was asked for.
    async fn asked(ready: Duration) -> (Result<Duration, Error>, u32) {
        let (start, calls) = (Instant::now(), Cell::new(0));
        let answer = poll(async || {
            calls.set(calls.get() + 1);
            let now = start.elapsed();
            Ok((now >= ready).then_some(now))
        })
        .await;
        (answer, calls.get())
    }

    #[tokio::test(start_paused = true)]
    async fn asks_less_and_less_often_until_it_is_there() {
        let (answer, calls) = asked(Duration::ZERO).await;
        assert_eq!((answer.unwrap(), calls), (Duration::ZERO, 1));
        let (answer, calls) = asked(Duration::from_millis(700)).await;
        assert_eq!((answer.unwrap(), calls), (Duration::from_millis(750), 3));
        // Not long after a stale lock can be taken.
        let (answer, calls) = asked(Duration::from_secs(300)).await;
        assert!(answer.unwrap() <= Duration::from_secs(310));
        assert!(calls < 40, "{calls}");
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let start = Instant::now();
        let (answer, _) = asked(PATIENCE * 2).await;
        assert!(matches!(answer, Err(Error::Stalled(PATIENCE))));
        assert_eq!(start.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_the_answer() {
        let refused = poll::<()>(async || Err(Error::Interrupted)).await;
        assert!(matches!(refused, Err(Error::Interrupted)));
    }
}
