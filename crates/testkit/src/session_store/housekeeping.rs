//! What the service asks for itself.

use std::collections::{HashMap, HashSet};

use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{CreateSessionOutcome, NewSession};

use super::Stores;
use super::fixture::{MILLISECOND, NOW};
use super::idempotency::with_key;
use crate::builders::{instruction, new_session, session_id, user};

/// `/readyz` asks this.
pub async fn a_store_answers(stores: &Stores) {
    stores.store.ping().await.unwrap();
    stores.replica.ping().await.unwrap();
}

/// Whoever opens it.
pub async fn a_database_has_one_id(stores: &Stores) {
    let id = stores.store.database_id().await.unwrap();
    assert!(!id.is_empty());
    assert_eq!(stores.replica.database_id().await.unwrap(), id);
}

/// Of the keys that were asked for; all else is a leftover.
pub async fn keys_are_owned_by_active_and_completed_sessions(stores: &Stores) {
    let active = stores.session(vec![]).await;
    let pending = stores.registered(&active, instruction("a", 4)).await;
    let uploading = stores.registered(&active, instruction("b", 4)).await;
    stores.recorded(&active, &uploading, 1).await;
    let completed = stores.completed(&active, instruction("c", 4)).await;
    let not_asked_for = stores.registered(&active, instruction("d", 4)).await;
    let finalized = stores.session(vec![]).await;
    let finalized_file = stores.completed(&finalized, instruction("a", 4)).await;
    stores.finalized(&finalized, "Castle").await;
    let cancelled = stores.session(vec![]).await;
    let cancelled_file = stores.completed(&cancelled, instruction("a", 4)).await;
    stores.cancelled(&cancelled).await;

    let keys = [
        &pending,
        &uploading,
        &completed,
        &finalized_file,
        &cancelled_file,
    ]
    .map(|file| file.upload.key.clone());
    let nobodys = ObjectKey::parse("test/nobodys.pdf").unwrap();
    let asked: Vec<_> = keys.iter().cloned().chain([nobodys]).collect();
    let owned = stores.store.owned_keys(&asked).await.unwrap();
    let uploading =
        [&pending, &uploading].map(|file| (file.upload.key.clone(), file.upload.id.clone()));
    assert_eq!(owned.uploading, HashMap::from(uploading));
    let completed = keys[2..4].iter().cloned().collect::<HashSet<_>>();
    assert_eq!(owned.completed, completed);
    assert!(!owned.uploading.contains_key(&not_asked_for.upload.key));
    let none = stores.store.owned_keys(&[]).await.unwrap();
    assert!(none.uploading.is_empty() && none.completed.is_empty());
}

/// And nothing that still matters.
pub async fn pruning_forgets_keys_and_days_before_its_time(stores: &Stores) {
    let mut session = new_session(&user("alice"), vec![], NOW);
    session.daily_limit = Some(1);
    let session = stores.created(with_key(session, "key", "body")).await;
    let again = || NewSession {
        id: session_id(),
        ..session.clone()
    };
    let limited = || NewSession {
        idempotency: None,
        ..again()
    };
    stores.store.prune(NOW).await.unwrap();
    let outcome = stores.store.create_session(again()).await.unwrap();
    assert!(matches!(outcome, CreateSessionOutcome::Replayed { .. }));
    stores.store.prune(NOW + MILLISECOND).await.unwrap();
    let outcome = stores.store.create_session(again()).await.unwrap();
    assert_eq!(outcome, CreateSessionOutcome::DailyLimitReached);
    let midnight = NOW.next_utc_midnight();
    stores.store.prune(midnight - MILLISECOND).await.unwrap();
    let outcome = stores.store.create_session(limited()).await.unwrap();
    assert_eq!(outcome, CreateSessionOutcome::DailyLimitReached);
    stores.store.prune(midnight).await.unwrap();
    let outcome = stores.store.create_session(limited()).await.unwrap();
    assert_eq!(outcome, CreateSessionOutcome::Created);
}
