//! How analytics events are written.

use std::time::Duration;

use super::reader::Reader;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnalyticsConfig {
    /// Off: what happens meanwhile is derived once it is on again.
    pub(crate) is_on: bool,
    /// Sessions read, and events written, by one statement.
    pub(crate) batch_size: usize,
    /// How long what happened waits to be written: the longer, the more comes at once, and requests in
    /// between wait for it.
    pub(crate) flush_every: Duration,
    /// Sessions that may wait.
    pub(crate) queue_size: usize,
    /// `None`: for ever.
    pub(crate) retention: Option<Duration>,
}

pub(super) fn read(reader: &mut Reader<'_>) -> AnalyticsConfig {
    let is_on = reader.parsed("ANALYTICS", "on", |text| match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    });
    AnalyticsConfig {
        is_on: is_on.unwrap_or(true),
        batch_size: reader.number("ANALYTICS_BATCH_SIZE", 500, 1..=10_000),
        // An event is to be seen within 10 s (CONTRACT section 1.8).
        flush_every: Duration::from_millis(reader.number("ANALYTICS_FLUSH_MS", 200, 10..=5000)),
        queue_size: reader.number("ANALYTICS_QUEUE_SIZE", 10_000, 1..=1_000_000),
        retention: retention(reader),
    }
}

fn retention(reader: &mut Reader<'_>) -> Option<Duration> {
    let days = reader.parsed("ANALYTICS_RETENTION_DAYS", "for ever", |text| {
        match text.parse() {
            Ok(days @ 1..=36_500) => Ok(days),
            _ => Err("must be a whole number from 1 to 36500".to_owned()),
        }
    });
    days.map(|days: u32| DAY * days)
}
