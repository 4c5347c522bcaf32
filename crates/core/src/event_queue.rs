//! Sessions in which something happened, on their way to whoever writes the events.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ids::SessionId;

/// A bounded set: a session waits once, however much happens in it.
///
/// Whoever notes a session never waits. One that finds no place is left to the reconciler.
#[derive(Debug)]
pub struct EventQueue {
    waiting: Mutex<HashSet<SessionId>>,
    capacity: usize,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    written: AtomicU64,
    derived: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

/// What came of it, since the start of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EventStats {
    /// Sessions that wait.
    pub queue_depth: u64,
    /// Events written after their session was noted.
    pub written: u64,
    /// Events that the reconciler found missing and wrote.
    pub derived: u64,
    /// Attempts to write that failed; each is repeated.
    pub failed: u64,
    /// Sessions that found the queue full.
    pub dropped: u64,
}

impl EventQueue {
    /// For at most so many sessions; for none, nothing is ever noted.
    pub fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            capacity,
            counts: Counts::default(),
        }
    }

    /// Something happened in this session.
    pub fn note(&self, session_id: SessionId) {
        if self.capacity == 0 {
            return;
        }
        let mut waiting = self.lock();
        if waiting.len() < self.capacity {
            waiting.insert(session_id);
        } else if !waiting.contains(&session_id) {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes everything that waits.
    pub(crate) fn take(&self) -> Vec<SessionId> {
        self.lock().drain().collect()
    }

    /// How it went so far.
    pub fn stats(&self) -> EventStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EventStats {
            queue_depth: self.lock().len() as u64,
            written: count(&self.counts.written),
            derived: count(&self.counts.derived),
            failed: count(&self.counts.failed),
            dropped: count(&self.counts.dropped),
        }
    }

    pub(crate) fn count_written(&self, events: u64) {
        self.counts.written.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn count_derived(&self, events: u64) {
        self.counts.derived.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn count_failed(&self) {
        self.counts.failed.fetch_add(1, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_session_waits_once_and_a_full_queue_drops_what_is_new() {
        let queue = EventQueue::new(2);
        let [a, b, c] = [1, 2, 3].map(|id| SessionId(Uuid::from_u128(id)));
        for session in [a, b, a, b, c] {
            queue.note(session);
        }
        let stats = queue.stats();
        assert_eq!((stats.queue_depth, stats.dropped), (2, 1));
        let mut taken = queue.take();
        taken.sort();
        assert_eq!(taken, [a, b]);
        queue.note(c);
        assert_eq!(queue.take(), [c]);
    }

    #[test]
    fn a_queue_for_none_notes_none_and_misses_none() {
        let queue = EventQueue::new(0);
        queue.note(SessionId(Uuid::nil()));
        assert_eq!(queue.stats(), EventStats::default());
    }
}
