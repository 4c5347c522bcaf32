//! What is true of the disk store beyond what every object store does.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod common;
mod crashes;
mod folder;
mod full_disk;
mod interleavings;
mod presigned;
