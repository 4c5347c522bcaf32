//! Files that the user has already (CONTRACT section 1.2).

use moc_uploads_core::error::Duplicate;
use moc_uploads_core::file::FileMetadata;
use moc_uploads_core::ports::{CreateSessionOutcome, NewSession};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{LOCK_TTL, MILLISECOND, NOW, url_of};
use crate::builders::{hash, image, instruction, new_session, user, with_hash};

use CreateSessionOutcome::Created;

fn pdf() -> FileMetadata {
    with_hash(instruction("a", 1000), hash('a'))
}

async fn create(
    stores: &Stores,
    user_id: &UserId,
    files: Vec<FileMetadata>,
    now: Timestamp,
) -> CreateSessionOutcome {
    let session = new_session(user_id, files, now);
    stores.store.create_session(session).await.unwrap()
}

/// With the URL of the earlier file; the keys are those of this request.
pub async fn all_duplicates_are_named_in_the_order_of_the_request(stores: &Stores) {
    let jpeg = with_hash(image("b", 2000), hash('b'));
    let session = stores.session(vec![pdf(), jpeg.clone()]).await;
    let pdf_file = stores.completed(&session, pdf()).await;
    let jpeg_file = stores.completed(&session, jpeg.clone()).await;

    let named = |key: &str, file: FileMetadata| FileMetadata {
        key: key.to_owned(),
        ..file
    };
    let files = vec![
        named("z", jpeg.clone()),
        with_hash(instruction("new", 1000), hash('c')),
        named("y", pdf()),
        named("x", jpeg),
    ];
    let duplicate = |key: &str, existing_url| Duplicate {
        key: key.to_owned(),
        existing_url,
    };
    assert_eq!(
        create(stores, &session.user_id, files, NOW).await,
        CreateSessionOutcome::Duplicates(vec![
            duplicate("z", url_of(&jpeg_file)),
            duplicate("y", url_of(&pdf_file)),
            duplicate("x", url_of(&jpeg_file)),
        ])
    );
}

/// And a file without a hash is not checked.
pub async fn only_size_hash_and_user_together_make_a_duplicate(stores: &Stores) {
    let session = stores.session(vec![pdf()]).await;
    stores.completed(&session, pdf()).await;
    let alice = &session.user_id;
    let other_size = with_hash(instruction("a", 1001), hash('a'));
    let other_hash = with_hash(instruction("a", 1000), hash('b'));
    let no_hash = instruction("a", 1000);
    for file in [other_size, other_hash, no_hash] {
        assert_eq!(create(stores, alice, vec![file], NOW).await, Created);
    }
    let bob = user("bob");
    assert_eq!(create(stores, &bob, vec![pdf()], NOW).await, Created);
    let same = create(stores, alice, vec![pdf()], NOW).await;
    assert!(matches!(same, CreateSessionOutcome::Duplicates(_)));
}

/// It may never be.
pub async fn a_file_that_is_not_completed_is_no_duplicate(stores: &Stores) {
    let session = stores.session(vec![pdf()]).await;
    let file = stores.registered(&session, pdf()).await;
    stores.recorded(&session, &file, 1).await;
    let outcome = create(stores, &session.user_id, vec![pdf()], NOW).await;
    assert_eq!(outcome, Created);
}

/// `allowDuplicates`.
pub async fn duplicates_can_be_let_in(stores: &Stores) {
    let session = stores.session(vec![pdf()]).await;
    stores.completed(&session, pdf()).await;
    stores
        .created(NewSession {
            allow_duplicates: true,
            ..new_session(&session.user_id, vec![pdf()], NOW)
        })
        .await;
}

/// From the moment of their end, not only once they are freed (CONTRACT 1.10).
pub async fn files_of_ended_sessions_are_nobodys_duplicates(stores: &Stores) {
    let session = stores.session(vec![pdf()]).await;
    stores.completed(&session, pdf()).await;
    stores.cancelled(&session).await;
    let outcome = create(stores, &session.user_id, vec![pdf()], NOW).await;
    assert_eq!(outcome, Created);

    let session = stores.session(vec![pdf()]).await;
    stores.completed(&session, pdf()).await;
    let expired = stores
        .store
        .expire_sessions(session.expires_at, LOCK_TTL, 100)
        .await
        .unwrap();
    assert!(expired.iter().any(|expired| expired.id == session.id));
    // As if the clock of the replica that asks were behind.
    let outcome = create(stores, &session.user_id, vec![pdf()], NOW).await;
    assert_eq!(outcome, Created);
}

/// Expiry is a fact of time.
pub async fn an_expired_session_has_no_duplicates_even_before_the_reaper(stores: &Stores) {
    let session = stores.session(vec![pdf()]).await;
    stores.completed(&session, pdf()).await;
    let alice = &session.user_id;
    let last = session.expires_at - MILLISECOND;
    let outcome = create(stores, alice, vec![pdf()], last).await;
    assert!(matches!(outcome, CreateSessionOutcome::Duplicates(_)));
    let outcome = create(stores, alice, vec![pdf()], session.expires_at).await;
    assert_eq!(outcome, Created);
}

/// They are the MOC's, however old the session.
pub async fn files_of_finalized_sessions_stay_duplicates(stores: &Stores) {
    let session = stores.session(vec![pdf()]).await;
    stores.completed(&session, pdf()).await;
    stores.finalized(&session, "Castle").await;
    let outcome = create(stores, &session.user_id, vec![pdf()], session.expires_at).await;
    assert!(matches!(outcome, CreateSessionOutcome::Duplicates(_)));
}
