//! A request that writes.

use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{CreateSessionOutcome, SessionStore, StoreError};
use moc_uploads_store_postgres::PostgresStore;
use moc_uploads_testkit::builders::{instruction, new_session, user};
use moc_uploads_testkit::clock::ManualClock;

/// A session of a new user.
pub(crate) async fn create(store: &PostgresStore) -> Result<SessionId, StoreError> {
    let files = vec![instruction("a", 1)];
    let session = new_session(&user("alice"), files, ManualClock::START);
    let id = session.id;
    let outcome = store.create_session(session).await?;
    assert_eq!(outcome, CreateSessionOutcome::Created);
    Ok(id)
}

pub(crate) fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}
