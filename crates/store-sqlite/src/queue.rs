//! Work on its way from many tasks to a few threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Unbounded: every entry is a request that waits for it, so there are no more than connections (and
/// streams of theirs), and each is a few hundred bytes beside the request itself.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    /// Threads that have nothing to do. Waking costs a system call, needed or not.
    idle_count: usize,
    is_closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                idle_count: 0,
                is_closed: false,
            }),
            ready: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    /// Adds an item, unless the queue is closed.
    pub(crate) fn push(&self, item: T) -> bool {
        let mut state = self.lock();
        if state.is_closed {
            return false;
        }
        state.waiting.push_back(item);
        let is_somebody_idle = state.idle_count > 0;
        drop(state);
        if is_somebody_idle {
            self.ready.notify_one();
        }
        true
    }

    /// Waits for an item and takes it with up to `max - 1` that wait behind it. Nothing means
    /// closed and empty.
    pub(crate) fn take(&self, max: usize) -> Vec<T> {
        let mut state = self.lock();
        state.idle_count += 1;
        let mut state = self
            .ready
            .wait_while(state, |state| state.waiting.is_empty() && !state.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.idle_count -= 1;
        let count = max.min(state.waiting.len());
        state.waiting.drain(..count).collect()
    }

    /// Takes no more; what waits can still be taken.
    pub(crate) fn close(&self) {
        self.lock().is_closed = true;
        self.ready.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_taken_in_order_in_groups_and_after_closing() {
        let queue = Queue::default();
        for item in 1..=3 {
            assert!(queue.push(item));
        }
        assert_eq!(queue.take(2), [1, 2]);
        queue.close();
        assert!(!queue.push(4));
        assert_eq!(queue.take(2), [3]);
        assert!(queue.take(2).is_empty());
    }
}
