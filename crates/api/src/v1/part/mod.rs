//! Parts of a file: endpoints 7 and 8.

mod access;
mod body;
mod digest;
pub(super) mod list;
pub(super) mod upload;
