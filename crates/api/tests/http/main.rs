//! The HTTP interface, black-box: the real router over real stores, held against CONTRACT.md.
//! Tests are filed by route; what concerns many routes has a file of its own.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod analytics;
mod auth;
mod auth_jwks;
mod bad_input;
mod bypass;
mod cancel_session;
mod complete_file;
mod content;
mod cors;
mod crashes;
mod create_session;
mod create_session_limits;
mod duplicates;
mod errors;
mod events;
mod expiry;
mod extension;
mod finalize;
mod finalize_lock;
mod get_session;
mod list_parts;
mod list_sessions;
mod logs;
mod on_disk {
    //! What a folder does otherwise than a bucket.
    mod leftovers;
    mod presigned;
}
mod on_postgres {
    //! What PostgreSQL counts.
    mod statements;
}
mod on_s3 {
    //! What a bucket does otherwise than a folder.
    pub(crate) mod direct_parts;
}
mod openapi;
mod presigned;
mod register_batch;
mod register_file;
mod restart;
mod routes;
mod seed_rows;
mod system;
mod upload_part;
mod upload_part_bodies;
mod vanished;
mod wire;

use std::future::IntoFuture;
use std::time::Duration;

use moc_uploads_core::time::Timestamp;
use moc_uploads_testkit::app::{Call, Response};

const MINUTE: Duration = Duration::from_secs(60);

/// Of an object store that holds nothing.
const NO_FILES: [std::path::PathBuf; 0] = [];

/// No such thing has this id.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// Sends all of these at once.
async fn together(calls: impl IntoIterator<Item = Call>) -> Vec<Response> {
    let tasks: Vec<_> = calls
        .into_iter()
        .map(|call| tokio::spawn(call.into_future()))
        .collect();
    let mut responses = Vec::with_capacity(tasks.len());
    for task in tasks {
        responses.push(task.await.unwrap());
    }
    responses
}

/// How many have this status.
fn count(responses: &[Response], status: u16) -> usize {
    responses
        .iter()
        .filter(|response| response.status.as_u16() == status)
        .count()
}

/// The names of an object's members, in alphabetical order.
fn members(value: &serde_json::Value) -> Vec<&str> {
    let mut names: Vec<&str> = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

/// The instant of a member, which must be written as CONTRACT says: UTC with milliseconds.
fn instant(value: &serde_json::Value) -> Timestamp {
    let text = value.as_str().unwrap_or_else(|| panic!("no time: {value}"));
    let at: Timestamp = text.parse().unwrap();
    assert_eq!(at.to_string(), text, "not as the contract writes times");
    at
}
