//! Repeated requests (CONTRACT section 1.1, `Idempotency-Key`).

use std::collections::HashSet;

use moc_uploads_core::ports::{CreateSessionOutcome, Idempotency, NewSession};

use super::Stores;
use super::fixture::{MILLISECOND, NOW};
use crate::builders::{MINUTE, hash, instruction, new_session, session_id, user, with_hash};

use CreateSessionOutcome::{Created, IdempotencyKeyReused};

pub(super) fn with_key(session: NewSession, key: &str, fingerprint: &str) -> NewSession {
    NewSession {
        idempotency: Some(Idempotency {
            key: key.to_owned(),
            fingerprint: fingerprint.to_owned(),
            valid_since: session.created_at - 24 * 60 * MINUTE,
        }),
        ..session
    }
}

fn keyed(user_name: &str) -> NewSession {
    let session = new_session(&user(user_name), vec![instruction("a", 1)], NOW);
    with_key(session, "key", "body")
}

fn again(first: &NewSession) -> NewSession {
    NewSession {
        id: session_id(),
        ..first.clone()
    }
}

fn replay_of(first: &NewSession) -> CreateSessionOutcome {
    CreateSessionOutcome::Replayed {
        session_id: first.id,
        part_size_bytes: first.part_size_bytes,
        expires_at: first.expires_at,
    }
}

/// Whatever has changed since.
pub async fn the_same_request_again_gets_the_first_answer(stores: &Stores) {
    let first = stores.created(keyed("alice")).await;
    let mut second = again(&first);
    second.expires_at = first.expires_at + MINUTE;
    second.part_size_bytes += 1;
    stores.cancelled(&first).await;
    let outcome = stores.replica.create_session(second.clone()).await.unwrap();
    assert_eq!(outcome, replay_of(&first));
    let created = stores.store.declared_session(second.id).await.unwrap();
    assert_eq!(created, None);
}

/// And creates nothing.
pub async fn another_body_under_the_same_key_is_refused(stores: &Stores) {
    let first = stores.created(keyed("alice")).await;
    let other = with_key(again(&first), "key", "other body");
    let outcome = stores.store.create_session(other.clone()).await.unwrap();
    assert_eq!(outcome, IdempotencyKeyReused);
    let created = stores.store.declared_session(other.id).await.unwrap();
    assert_eq!(created, None);
    stores
        .created(with_key(again(&first), "key 2", "other body"))
        .await;
}

/// Two users may come upon the same one.
pub async fn a_key_belongs_to_its_user(stores: &Stores) {
    stores.created(keyed("alice")).await;
    stores.created(keyed("bob")).await;
}

/// Then it can be used for another body.
pub async fn a_key_is_forgotten_after_its_time_to_the_millisecond(stores: &Stores) {
    let first = stores.created(keyed("alice")).await;
    let at = |now| NewSession {
        created_at: now,
        ..again(&first)
    };
    let last = with_key(at(NOW + 24 * 60 * MINUTE), "key", "body");
    let outcome = stores.store.create_session(last).await.unwrap();
    assert_eq!(outcome, replay_of(&first));
    let next = with_key(at(NOW + 24 * 60 * MINUTE + MILLISECOND), "key", "other");
    let next = stores.created(next).await;
    let outcome = stores.store.create_session(again(&next)).await.unwrap();
    assert_eq!(outcome, replay_of(&next));
}

/// All get the answer of the one that came first.
pub async fn concurrent_requests_with_one_key_create_one_session(stores: &Stores) {
    let first = keyed("alice");
    let outcomes = stores
        .concurrently(16, |store, _| {
            let session = again(&first);
            async move {
                let id = session.id;
                (id, store.create_session(session).await.unwrap())
            }
        })
        .await;
    let mut created = HashSet::new();
    let mut answered = HashSet::new();
    for (id, outcome) in outcomes {
        match outcome {
            Created => {
                created.insert(id);
                answered.insert(id);
            }
            CreateSessionOutcome::Replayed { session_id, .. } => {
                answered.insert(session_id);
            }
            other => panic!("neither created nor replayed: {other:?}"),
        }
    }
    assert_eq!(created.len(), 1);
    assert_eq!(answered, created);
}

/// The client may mend what was wrong and try again.
pub async fn a_refused_request_does_not_use_up_its_key(stores: &Stores) {
    let mut session = keyed("alice");
    session.daily_limit = Some(0);
    let outcome = stores.store.create_session(session.clone()).await.unwrap();
    assert_eq!(outcome, CreateSessionOutcome::DailyLimitReached);
    session.daily_limit = Some(1);
    stores.created(session).await;
}

/// The order of [`CreateSessionOutcome`].
pub async fn a_replay_comes_before_duplicates_and_limit(stores: &Stores) {
    let file = with_hash(instruction("a", 1), hash('a'));
    let mut first = keyed("alice");
    first.files = vec![file.clone()];
    let first = stores.created(first).await;
    stores.completed(&first, file).await;

    let mut limited = again(&first);
    limited.daily_limit = Some(0);
    let outcome = stores.store.create_session(limited.clone()).await.unwrap();
    assert_eq!(outcome, replay_of(&first));
    limited.idempotency = None;
    let outcome = stores.store.create_session(limited).await.unwrap();
    assert!(matches!(outcome, CreateSessionOutcome::Duplicates(_)));
}
