//! Sessions per user and UTC day (CONTRACT sections 1.1 and 5).

use moc_uploads_core::ports::{CreateSessionOutcome, NewSession};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{MILLISECOND, NOW};
use super::idempotency::with_key;
use crate::builders::{hash, instruction, new_session, session_id, user, with_hash};

use CreateSessionOutcome::{Created, DailyLimitReached};

fn limited(user_id: &UserId, limit: u32, now: Timestamp) -> NewSession {
    NewSession {
        daily_limit: Some(limit),
        ..new_session(user_id, vec![instruction("a", 1)], now)
    }
}

async fn create(stores: &Stores, session: NewSession) -> CreateSessionOutcome {
    stores.store.create_session(session).await.unwrap()
}

/// The day ends at midnight UTC, to the millisecond.
pub async fn a_day_has_so_many_sessions_and_each_user_a_day(stores: &Stores) {
    let (alice, bob) = (user("alice"), user("bob"));
    let midnight = NOW.next_utc_midnight();
    let last = midnight - MILLISECOND;
    assert_eq!(create(stores, limited(&alice, 2, NOW)).await, Created);
    assert_eq!(create(stores, limited(&alice, 2, last)).await, Created);
    let third = create(stores, limited(&alice, 2, last)).await;
    assert_eq!(third, DailyLimitReached);
    assert_eq!(create(stores, limited(&bob, 2, last)).await, Created);
    assert_eq!(create(stores, limited(&alice, 2, midnight)).await, Created);
    assert_eq!(create(stores, limited(&alice, 3, last)).await, Created);
}

/// Check and count are one step.
pub async fn concurrent_creates_at_the_limit_admit_exactly_the_limit(stores: &Stores) {
    let alice = user("alice");
    let outcomes = stores
        .concurrently(16, |store, _| {
            let session = limited(&alice, 5, NOW);
            async move { store.create_session(session).await.unwrap() }
        })
        .await;
    let created = outcomes.iter().filter(|outcome| **outcome == Created);
    assert_eq!(created.count(), 5);
    let refused = outcomes
        .iter()
        .filter(|outcome| **outcome == DailyLimitReached);
    assert_eq!(refused.count(), 11);
}

/// Also when it is the first of the day.
pub async fn a_limit_of_none_admits_none(stores: &Stores) {
    let alice = user("alice");
    let outcome = create(stores, limited(&alice, 0, NOW)).await;
    assert_eq!(outcome, DailyLimitReached);
    assert_eq!(create(stores, limited(&alice, 1, NOW)).await, Created);
}

/// Only a session that is really created counts.
pub async fn replays_and_refusals_do_not_count(stores: &Stores) {
    let alice = user("alice");
    let file = with_hash(instruction("a", 1), hash('a'));
    let first = with_key(limited(&alice, 2, NOW), "key", "body");
    let first = stores.created(first).await;
    stores.completed(&first, file.clone()).await;
    for _ in 0..3 {
        let again = NewSession {
            id: session_id(),
            ..first.clone()
        };
        let outcome = create(stores, again).await;
        assert!(matches!(outcome, CreateSessionOutcome::Replayed { .. }));
        let mut duplicate = limited(&alice, 2, NOW);
        duplicate.files = vec![file.clone()];
        let outcome = create(stores, duplicate).await;
        assert!(matches!(outcome, CreateSessionOutcome::Duplicates(_)));
    }
    assert_eq!(create(stores, limited(&alice, 2, NOW)).await, Created);
    let third = create(stores, limited(&alice, 2, NOW)).await;
    assert_eq!(third, DailyLimitReached);
}

/// A bypass skips the check, not the count.
pub async fn sessions_without_a_limit_count_for_later(stores: &Stores) {
    let alice = user("alice");
    let unlimited = new_session(&alice, vec![instruction("a", 1)], NOW);
    assert_eq!(create(stores, unlimited).await, Created);
    let outcome = create(stores, limited(&alice, 1, NOW)).await;
    assert_eq!(outcome, DailyLimitReached);
}
