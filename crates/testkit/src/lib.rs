//! What tests of more than one crate need: conformance suites of the ports, a clock that is moved
//! by hand, builders. Never part of a release.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[cfg(feature = "app")]
pub mod app;
pub mod builders;
pub mod clock;
pub mod event_store;
#[cfg(any(feature = "postgres", feature = "s3"))]
mod external;
pub mod faults;
pub mod listing;
pub mod object_store;
#[cfg(any(feature = "app", feature = "server"))]
mod pair;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "server")]
pub mod server;
pub mod session_store;
