//! Sessions: endpoints 1 to 4 and 11.

pub(super) mod cancel;
pub(super) mod create;
pub(super) mod finalize;
pub(super) mod get;
pub(super) mod list;
mod view;
