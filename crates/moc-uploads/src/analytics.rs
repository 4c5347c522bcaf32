//! Writes analytics events while the server runs, and finds those that were missed (CONTRACT
//! section 1.8).

use std::time::Duration;

use moc_uploads_core::service::{EventBatch, Uploads};
use moc_uploads_core::time::Timestamp;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::AnalyticsConfig;

/// What is missing is found within a minute: this, what may be on its way, and the time it takes.
const RECONCILE_EVERY: Duration = Duration::from_secs(45);

/// What is younger may be on its way to be written, here or on another replica.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

const PRUNE_EVERY: Duration = Duration::from_secs(60);

/// For the last events at the end; what is not written then is derived at the next start.
const FLUSH_GRACE: Duration = Duration::from_secs(5);

/// The tasks.
pub(crate) struct Analytics {
    stop: CancellationToken,
    writer: JoinHandle<()>,
    /// Safe to break off.
    others: JoinSet<()>,
}

impl Analytics {
    /// Starts them; what is missing is looked for at once. `None` when analytics is off.
    pub(crate) fn start(uploads: &Uploads, config: &AnalyticsConfig) -> Option<Self> {
        if !config.is_on {
            return None;
        }
        let stop = CancellationToken::new();
        let mut others = JoinSet::new();
        others.spawn(reconcile(uploads.clone(), config.clone()));
        others.spawn(prune(uploads.clone(), config.clone()));
        Some(Self {
            writer: tokio::spawn(write(uploads.clone(), config.clone(), stop.clone())),
            others,
            stop,
        })
    }

    /// Writes what still waits. To be called when nothing happens any more.
    pub(crate) async fn stop(mut self) {
        self.others.abort_all();
        self.stop.cancel();
        let ended = tokio::time::timeout(FLUSH_GRACE, &mut self.writer).await;
        if ended.is_err() {
            tracing::warn!("the last events are not written; the next start derives them");
            self.writer.abort();
        }
    }
}

async fn write(uploads: Uploads, config: AnalyticsConfig, stop: CancellationToken) {
    let mut ticks = ticks(config.flush_every);
    let mut is_failing = false;
    let mut is_last = false;
    while !is_last {
        is_last = tokio::select! {
            biased;
            () = stop.cancelled() => true,
            _ = ticks.tick() => false,
        };
        match uploads.write_events(batch(&uploads, &config)).await {
            Ok(_) => is_failing = false,
            // Once is enough: it is tried again and again.
            Err(error) if !is_failing => {
                is_failing = true;
                tracing::warn!(error = error.causes(), "events not written, trying again");
            }
            Err(_) => {}
        }
    }
}

async fn reconcile(uploads: Uploads, config: AnalyticsConfig) {
    let mut ticks = ticks(RECONCILE_EVERY);
    let mut is_first = true;
    loop {
        ticks.tick().await;
        // What a crash left is derived at once.
        let grace = if is_first { Duration::ZERO } else { ON_ITS_WAY };
        let batch = batch(&uploads, &config);
        match uploads.reconcile_events(batch, grace).await {
            Ok(0) if !is_first => {}
            Ok(derived_count) => tracing::info!(derived_count, "events reconciled"),
            Err(error) => {
                tracing::warn!(
                    error = error.causes(),
                    "events not reconciled, trying again"
                );
            }
        }
        is_first = false;
    }
}

/// The first time that there is a retention this may take long: nothing waits for it.
async fn prune(uploads: Uploads, config: AnalyticsConfig) {
    let mut ticks = ticks(PRUNE_EVERY);
    loop {
        ticks.tick().await;
        let Some(before) = batch(&uploads, &config).since else {
            return;
        };
        match uploads.prune_events(before).await {
            Ok(0) => {}
            Ok(pruned_count) => tracing::info!(pruned_count, %before, "events pruned"),
            Err(error) => {
                tracing::warn!(error = error.causes(), "events not pruned, trying again");
            }
        }
    }
}

/// Sums up what is over, so that reports need not count it. Safe to break off anywhere.
///
/// It rests after all is done, the longer the more there was: hours that keep changing are summed
/// up over and over.
pub(crate) async fn keep_sums(uploads: Uploads) {
    const LEAST_REST: Duration = Duration::from_secs(5);
    const MOST_REST: Duration = Duration::from_secs(60);
    loop {
        let begun = tokio::time::Instant::now();
        loop {
            match uploads.prepare_analytics().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(
                        error = error.causes(),
                        "analytics not summed up, trying again"
                    );
                    break;
                }
            }
        }
        let rest = (10 * begun.elapsed()).clamp(LEAST_REST, MOST_REST);
        tokio::time::sleep(rest).await;
    }
}

fn batch(uploads: &Uploads, config: &AnalyticsConfig) -> EventBatch {
    let now: Timestamp = uploads.deps().clock.now();
    EventBatch {
        size: config.batch_size,
        since: config.retention.map(|retention| now - retention),
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
