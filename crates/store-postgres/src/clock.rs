//! The server's time, without asking it each time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moc_uploads_core::time::{Clock, Timestamp};

/// An answer that took longer says too little about the time at which it was given.
const TRUSTED_WITHIN: Duration = Duration::from_secs(1);

/// The clock of this machine, corrected by how far the server's was ahead when it was last asked,
/// to half of what that took. All replicas agree on it, whatever their own clocks say.
pub struct DatabaseClock {
    local: Arc<dyn Clock>,
    ahead_ms: AtomicI64,
}

impl DatabaseClock {
    pub(crate) fn over(local: Arc<dyn Clock>) -> Self {
        Self {
            local,
            ahead_ms: AtomicI64::new(0),
        }
    }

    /// How far the server's clock is ahead of this machine's, in milliseconds; negative when it is
    /// behind.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead_ms.load(Ordering::Relaxed)
    }

    pub(crate) fn local_now(&self) -> Timestamp {
        self.local.now()
    }

    /// The server said `database_time` in answer to what was asked at `asked_at`.
    pub(crate) fn heard(&self, asked_at: Timestamp, database_time: Timestamp) {
        let took = self.local.now().since(asked_at);
        if took > TRUSTED_WITHIN {
            return;
        }
        let ahead_ms = database_time.unix_ms() - (asked_at + took / 2).unix_ms();
        self.ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.local.now().unix_ms() + self.ahead_ms())
    }
}
