//! Whether the server wants requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says to `GET /readyz` that the server is going down. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Readiness {
    is_shutting_down: Arc<AtomicBool>,
}

impl Readiness {
    /// Ready, as far as the process is concerned.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on `GET /readyz` answers 503, so that load balancers look elsewhere.
    pub fn shut_down(&self) {
        self.is_shutting_down.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.is_shutting_down.load(Ordering::Relaxed)
    }
}
