//! What tests of more than one crate need: conformance suites of the ports, a clock that is moved
//! by hand, builders. Never part of a release.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

pub mod builders;
pub mod clock;
pub mod session_store;
