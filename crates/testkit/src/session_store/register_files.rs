//! Registering files (CONTRACT section 1.3).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ports::{Activity, NewFile, NewSession, RegisterFileOutcome, RegisterFiles};
use moc_uploads_core::session::SessionStatus;

use super::Stores;
use super::fixture::{LOCK_TTL, MILLISECOND, NOW, as_stored, outcome_of, registration};
use crate::builders::{MINUTE, hash, image, instruction, new_file, session_id, with_hash};

use RegisterFileOutcome::{FileCountExceeded, KeyTaken, Registered};

async fn register(
    stores: &Stores,
    registration: RegisterFiles,
) -> Activity<Vec<RegisterFileOutcome>> {
    stores.store.register_files(registration).await.unwrap()
}

fn pdf(session: &NewSession, key: &str) -> NewFile {
    new_file(&session.user_id, session.id, instruction(key, 10))
}

/// With everything that its client said, pending.
pub async fn a_registered_file_is_stored_as_it_was_declared(stores: &Stores) {
    let mut metadata = with_hash(image("front", 7), hash('a'));
    metadata.name = "Vorderseite \"é\".jpg".to_owned();
    let session = stores.session(vec![metadata.clone()]).await;
    let file = stores.registered(&session, metadata.clone()).await;
    let found = stores.replica.file(session.id, file.id).await.unwrap();
    let found = found.unwrap();
    assert_eq!(found.session, as_stored(&session, SessionStatus::Active));
    let found = found.file.unwrap();
    assert_eq!(found.id, file.id);
    assert_eq!(found.session_id, session.id);
    assert_eq!(found.metadata, metadata);
    assert_eq!(found.status, FileStatus::Pending);
    assert_eq!(found.object_key, Some(file.upload.key));
    assert_eq!(found.upload_id, Some(file.upload.id));
    assert_eq!((found.file_url, found.etag), (None, None));
    assert_eq!((found.created_at, found.updated_at), (NOW, NOW));
}

/// Also those of one batch.
pub async fn files_keep_the_order_of_their_registration(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let batch = ["q", "b", "z"].map(|key| pdf(&session, key)).to_vec();
    let activity = register(stores, registration(&session, batch, NOW)).await;
    assert_eq!(outcome_of(activity), [Registered; 3]);
    stores.registered(&session, instruction("a", 10)).await;
    let files = stores.detail(&session).await.files;
    let keys: Vec<_> = files
        .iter()
        .map(|progress| progress.file.metadata.key.as_str())
        .collect();
    assert_eq!(keys, ["q", "b", "z", "a"]);
}

/// One that is refused does not undo another.
pub async fn a_key_is_taken_once_also_within_a_batch(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.registered(&session, instruction("a", 10)).await;
    let first = pdf(&session, "b");
    let batch = vec![
        pdf(&session, "a"),
        first.clone(),
        pdf(&session, "b"),
        pdf(&session, "c"),
    ];
    let activity = register(stores, registration(&session, batch, NOW)).await;
    assert_eq!(
        outcome_of(activity),
        [KeyTaken, Registered, KeyTaken, Registered]
    );
    let found = stores.store.file(session.id, first.id).await.unwrap();
    assert!(found.unwrap().file.is_some());
    assert_eq!(stores.detail(&session).await.files.len(), 3);
    let other = stores.session(vec![]).await;
    stores.registered(&other, instruction("a", 10)).await;
}

/// Registered ones count, those of earlier requests too.
pub async fn no_more_files_than_declared_and_a_taken_key_is_said_first(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.registered(&session, instruction("a", 10)).await;
    let batch = ["b", "c", "a"].map(|key| pdf(&session, key)).to_vec();
    let limited = RegisterFiles {
        max_file_count: Some(2),
        ..registration(&session, batch, NOW)
    };
    let activity = register(stores, limited).await;
    assert_eq!(
        outcome_of(activity),
        [Registered, FileCountExceeded, KeyTaken]
    );
}

/// Exactly one wins.
pub async fn one_key_registered_concurrently_is_taken_once(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let outcomes = stores
        .concurrently(16, |store, _| {
            let batch = vec![pdf(&session, "a")];
            let registration = registration(&session, batch, NOW);
            async move { outcome_of(store.register_files(registration).await.unwrap())[0] }
        })
        .await;
    let registered = outcomes.iter().filter(|outcome| **outcome == Registered);
    assert_eq!(registered.count(), 1);
    let taken = outcomes.iter().filter(|outcome| **outcome == KeyTaken);
    assert_eq!(taken.count(), 15);
}

/// Check and insert are one step.
pub async fn concurrent_registrations_never_exceed_the_count(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let outcomes = stores
        .concurrently(16, |store, index| {
            let registration = RegisterFiles {
                max_file_count: Some(3),
                ..registration(&session, vec![pdf(&session, &format!("{index}"))], NOW)
            };
            async move { outcome_of(store.register_files(registration).await.unwrap())[0] }
        })
        .await;
    let registered = outcomes.iter().filter(|outcome| **outcome == Registered);
    assert_eq!(registered.count(), 3);
    assert_eq!(stores.detail(&session).await.files.len(), 3);
}

/// And says in which state it is.
pub async fn an_ended_session_takes_no_files(stores: &Stores) {
    for (session, _, status) in stores.ended_sessions().await {
        let batch = vec![pdf(&session, "b")];
        assert_eq!(
            register(stores, registration(&session, batch, NOW)).await,
            Activity::SessionClosed(Some(as_stored(&session, status)))
        );
        assert_eq!(stores.detail(&session).await.files.len(), 1);
    }
    let nobody = NewSession {
        id: session_id(),
        ..stores.session(vec![]).await
    };
    let batch = vec![pdf(&nobody, "a")];
    assert_eq!(
        register(stores, registration(&nobody, batch, NOW)).await,
        Activity::SessionClosed(None)
    );
}

/// At `expires_at` it is over.
pub async fn files_are_taken_until_the_millisecond_of_expiry(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let late = registration(&session, vec![pdf(&session, "a")], session.expires_at);
    assert!(matches!(
        register(stores, late).await,
        Activity::SessionClosed(Some(_))
    ));
    let last = session.expires_at - MILLISECOND;
    let in_time = registration(&session, vec![pdf(&session, "a")], last);
    assert_eq!(outcome_of(register(stores, in_time).await), [Registered]);
}

/// A finalize that runs has counted the files.
pub async fn files_are_refused_while_a_fresh_lock_is_held(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.locked(&session, NOW).await;
    let at = |now| registration(&session, vec![pdf(&session, "a")], now);
    let last = NOW + LOCK_TTL - MILLISECOND;
    assert_eq!(register(stores, at(last)).await, Activity::Finalizing);
    assert!(stores.detail(&session).await.files.is_empty());
    let activity = register(stores, at(NOW + LOCK_TTL)).await;
    assert_eq!(outcome_of(activity), [Registered]);

    let released = stores.session(vec![]).await;
    stores.locked(&released, NOW).await;
    stores
        .store
        .release_finalize(released.id, NOW, None, NOW)
        .await
        .unwrap();
    let batch = vec![pdf(&released, "a")];
    let activity = register(stores, registration(&released, batch, NOW + MINUTE)).await;
    assert_eq!(outcome_of(activity), [Registered]);
}
