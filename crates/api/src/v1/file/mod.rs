//! Files of a session: endpoints 5, 6, 9 and 10.

pub(super) mod complete;
pub(super) mod content;
mod disposition;
pub(super) mod metadata;
mod range;
pub(super) mod register;
pub(super) mod register_batch;
