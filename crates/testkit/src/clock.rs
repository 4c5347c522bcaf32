//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use moc_uploads_core::time::{Clock, Timestamp};

/// Starts at [`ManualClock::START`].
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// 2026-01-25T12:00:00.000Z.
    pub const START: Timestamp = Timestamp::from_unix_ms(1_769_342_400_000);

    /// A clock at [`ManualClock::START`].
    pub const fn new() -> Self {
        Self(Mutex::new(Self::START))
    }

    /// Moves it forward.
    pub fn advance(&self, duration: Duration) {
        let mut now = self.lock();
        *now = *now + duration;
    }

    /// Sets it.
    pub fn set(&self, now: Timestamp) {
        *self.lock() = now;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Timestamp> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_at_noon_and_moves_only_by_hand() {
        let clock = ManualClock::new();
        assert_eq!(clock.now().to_string(), "2026-01-25T12:00:00.000Z");
        clock.advance(Duration::from_millis(1));
        assert_eq!(clock.now().to_string(), "2026-01-25T12:00:00.001Z");
    }
}
