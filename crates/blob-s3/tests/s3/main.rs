//! What is S3's own, beside what every object store does.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod clients;
mod common;
mod listener;
mod outages;
mod parts;
mod wire;
