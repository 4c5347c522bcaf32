//! Sessions: endpoints 1 to 4, 11 and 12.

pub(super) mod analytics;
pub(super) mod cancel;
pub(super) mod create;
pub(super) mod finalize;
pub(super) mod get;
pub(super) mod list;
mod view;
