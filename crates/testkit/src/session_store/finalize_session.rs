//! Finalizing under a lock that goes stale (CONTRACT section 1.6).

use std::collections::HashSet;
use std::time::Duration;

use moc_uploads_core::finalize::Moc;
use moc_uploads_core::ports::{
    BeginFinalizeOutcome, CancelSessionOutcome, CommitFinalizeOutcome, NewSession,
    RegisterFileOutcome,
};
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{
    LOCK_TTL, LONG_LEASE, MILLISECOND, NOW, as_stored, new_moc, outcome_of, registration,
};
use crate::builders::{MINUTE, image, instruction, new_file, new_session, session_id, user};

/// Much less than the lock's own time.
const LEASE: Duration = Duration::from_secs(6);

use BeginFinalizeOutcome::{AlreadyFinalized, InProgress, Locked, NoSuchSession, SessionClosed};
use CommitFinalizeOutcome::{Created, LockLost, TitleTaken};

async fn begin(stores: &Stores, session: &NewSession, now: Timestamp) -> BeginFinalizeOutcome {
    let store = &stores.store;
    let outcome = store.begin_finalize(session.id, &session.user_id, now, LOCK_TTL, LONG_LEASE);
    outcome.await.unwrap()
}

/// Commits under the lock of `locked_at`.
async fn commit(
    stores: &Stores,
    session: &NewSession,
    title: &str,
    locked_at: Timestamp,
) -> CommitFinalizeOutcome {
    let moc = new_moc(session, vec![], title, locked_at);
    let outcome = stores.store.commit_finalize(moc, locked_at).await;
    outcome.unwrap()
}

/// Whatever their state: what it means is for the caller to say.
pub async fn the_lock_is_given_once_with_the_files_in_order(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.completed(&session, instruction("z", 4)).await;
    stores.registered(&session, image("a", 4)).await;
    let detail = stores.detail(&session).await;
    let outcome = begin(stores, &session, NOW).await;
    let Locked {
        session: locked,
        files,
    } = outcome
    else {
        panic!("not locked: {outcome:?}");
    };
    assert_eq!(locked, as_stored(&session, SessionStatus::Active));
    let expected: Vec<_> = detail.files.into_iter().map(|file| file.file).collect();
    assert_eq!(files, expected);
    assert_eq!(begin(stores, &session, NOW).await, InProgress);
}

/// A lock that was taken in time is good until it is stale.
pub async fn a_lock_outlives_the_expiry_of_its_session(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let locked_at = session.expires_at - MILLISECOND;
    let outcome = begin(stores, &session, locked_at).await;
    assert!(matches!(outcome, Locked { .. }), "{outcome:?}");
    let after_expiry = session.expires_at + MILLISECOND;
    assert_eq!(begin(stores, &session, after_expiry).await, InProgress);
    let outcome = commit(stores, &session, "Castle", locked_at).await;
    assert!(matches!(outcome, Created(_)), "{outcome:?}");
}

/// Check and set are one step.
pub async fn concurrent_calls_get_one_lock(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let outcomes = stores
        .concurrently(16, |store, index| {
            let (id, user_id) = (session.id, session.user_id.clone());
            let now = NOW + index as u32 * MILLISECOND;
            async move {
                let outcome = store
                    .begin_finalize(id, &user_id, now, LOCK_TTL, LONG_LEASE)
                    .await;
                outcome.unwrap()
            }
        })
        .await;
    let locked = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Locked { .. }));
    assert_eq!(locked.count(), 1);
    let waiting = outcomes.iter().filter(|outcome| **outcome == InProgress);
    assert_eq!(waiting.count(), 15);
}

/// Then somebody else may try.
pub async fn a_lock_goes_stale_at_the_millisecond(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.locked(&session, NOW).await;
    let last = NOW + LOCK_TTL - MILLISECOND;
    assert_eq!(begin(stores, &session, last).await, InProgress);
    stores.locked(&session, NOW + LOCK_TTL).await;
}

/// Its owner is dead, as far as anybody knows.
pub async fn a_lock_without_a_new_lease_is_taken_over(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let leased = async |now| {
        let store = &stores.store;
        let outcome = store.begin_finalize(session.id, &session.user_id, now, LOCK_TTL, LEASE);
        outcome.await.unwrap()
    };
    assert!(matches!(leased(NOW).await, Locked { .. }));
    let last = NOW + LEASE - MILLISECOND;
    assert_eq!(leased(last).await, InProgress);
    let taken_over_at = NOW + LEASE;
    assert!(matches!(leased(taken_over_at).await, Locked { .. }));
    assert_eq!(commit(stores, &session, "Castle", NOW).await, LockLost);
    let outcome = commit(stores, &session, "Castle", taken_over_at).await;
    assert!(matches!(outcome, Created(_)), "{outcome:?}");
}

/// Up to its own time: an owner may live and hang. Only the owner renews it.
pub async fn a_renewed_lease_keeps_the_lock(stores: &Stores) {
    let [session, other] = [stores.session(vec![]).await, stores.session(vec![]).await];
    for session in [&session, &other] {
        let store = &stores.store;
        let outcome = store.begin_finalize(session.id, &session.user_id, NOW, LOCK_TTL, LEASE);
        assert!(matches!(outcome.await.unwrap(), Locked { .. }));
    }
    let at = NOW + LEASE - MILLISECOND;
    let renew = async |locks: &[_], at| {
        let renewed = stores.replica.renew_finalize(locks, at, LONG_LEASE);
        renewed.await.unwrap();
    };
    let not_the_owner = (other.id, NOW + MILLISECOND);
    renew(&[(session.id, NOW), not_the_owner], at).await;
    let later = NOW + LOCK_TTL - MILLISECOND;
    assert_eq!(begin(stores, &session, later).await, InProgress);
    assert!(matches!(begin(stores, &other, later).await, Locked { .. }));

    renew(&[(session.id, NOW)], later).await;
    let stale = begin(stores, &session, NOW + LOCK_TTL).await;
    assert!(matches!(stale, Locked { .. }), "{stale:?}");
}

/// Nothing waits for an owner that is dead.
pub async fn a_lock_without_a_new_lease_hinders_nothing(stores: &Stores) {
    let mut sessions = Vec::new();
    for _ in 0..3 {
        let session = stores.session(vec![]).await;
        let store = &stores.store;
        let outcome = store.begin_finalize(session.id, &session.user_id, NOW, LOCK_TTL, LEASE);
        assert!(matches!(outcome.await.unwrap(), Locked { .. }));
        sessions.push(session);
    }
    let [registered, cancelled, expired] = &sessions[..] else {
        unreachable!()
    };
    let now = NOW + LEASE;
    let file = new_file(&registered.user_id, registered.id, instruction("a", 4));
    let register = registration(registered, vec![file], now);
    let activity = stores.store.register_files(register).await.unwrap();
    assert_eq!(outcome_of(activity), [RegisterFileOutcome::Registered]);
    let cancel = stores
        .store
        .cancel_session(cancelled.id, &cancelled.user_id, now, LOCK_TTL);
    let outcome = cancel.await.unwrap();
    assert!(matches!(outcome, CancelSessionOutcome::Cancelled(_)));
    let expire = stores
        .store
        .expire_sessions(expired.expires_at, LONG_LEASE, 9);
    let ids: Vec<_> = expire.await.unwrap().iter().map(|it| it.id).collect();
    assert!(ids.contains(&expired.id), "{ids:?}");
}

/// A refusal changes nothing.
pub async fn a_released_lock_can_be_taken_again(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.locked(&session, NOW).await;
    let release = stores.replica.release_finalize(session.id, NOW, None, NOW);
    release.await.unwrap();
    stores.locked(&session, NOW + MILLISECOND).await;
}

/// The token says whose it is.
pub async fn a_lock_that_is_not_held_is_not_released(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.locked(&session, NOW).await;
    let taken_over_at = NOW + LOCK_TTL;
    stores.locked(&session, taken_over_at).await;
    stores
        .store
        .release_finalize(session.id, NOW, None, NOW)
        .await
        .unwrap();
    let outcome = begin(stores, &session, taken_over_at).await;
    assert_eq!(outcome, InProgress);
}

/// And says why.
pub async fn a_session_that_takes_nothing_gives_no_lock(stores: &Stores) {
    for (session, _, status) in stores.ended_sessions().await {
        let outcome = begin(stores, &session, NOW).await;
        if status == SessionStatus::Completed {
            assert!(matches!(outcome, AlreadyFinalized(_)));
        } else {
            assert_eq!(outcome, SessionClosed(as_stored(&session, status)));
        }
    }
    let session = stores.session(vec![]).await;
    let somebody_else = NewSession {
        user_id: user("bob"),
        ..session.clone()
    };
    let nowhere = NewSession {
        id: session_id(),
        ..session.clone()
    };
    for session in [somebody_else, nowhere] {
        assert_eq!(begin(stores, &session, NOW).await, NoSuchSession);
    }
    let at_expiry = begin(stores, &session, session.expires_at).await;
    assert!(matches!(at_expiry, SessionClosed(_)));
    stores
        .locked(&session, session.expires_at - MILLISECOND)
        .await;
}

/// And is what every later call gets, also after the session's time.
pub async fn a_moc_closes_its_session(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.completed(&session, instruction("a", 4)).await;
    let files = stores.locked(&session, NOW).await;
    let new = new_moc(&session, files, "Größe: Castle!", NOW + MINUTE);
    let outcome = stores.store.commit_finalize(new.clone(), NOW).await;
    let moc = Box::new(Moc {
        id: new.id,
        draft: new.draft,
        slug: "grosse-castle".to_owned(),
        pdf_key: new.pdf_key,
        image_keys: new.image_keys,
        parts_keys: new.parts_keys,
        thumbnail_url: new.thumbnail_url,
        created_at: NOW + MINUTE,
    });
    assert_eq!(outcome.unwrap(), Created(moc.clone()));
    let summary = stores.detail(&session).await.summary;
    assert_eq!(summary.session.stored_status, SessionStatus::Completed);
    assert_eq!(summary.moc.as_ref(), Some(&*moc));
    for now in [NOW, session.expires_at] {
        let outcome = begin(stores, &session, now).await;
        assert_eq!(outcome, AlreadyFinalized(moc.clone()));
    }
    assert_eq!(commit(stores, &session, "Tower", NOW).await, LockLost);
}

/// So that the client can try another one at once. Another user's title is free.
pub async fn a_title_that_is_taken_releases_the_lock(stores: &Stores) {
    let first = stores.session(vec![]).await;
    stores.finalized(&first, "Castle").await;
    let second = new_session(&first.user_id, vec![], NOW);
    let second = stores.created(second).await;
    stores.locked(&second, NOW).await;
    assert_eq!(
        commit(stores, &second, "Castle", NOW).await,
        TitleTaken {
            suggested_slug: "castle-1".to_owned()
        }
    );
    assert_eq!(
        stores.detail(&second).await.summary.session,
        as_stored(&second, SessionStatus::Active)
    );
    stores.locked(&second, NOW + MILLISECOND).await;
    let outcome = commit(stores, &second, "Castle 2", NOW + MILLISECOND).await;
    assert!(matches!(outcome, Created(_)));

    let bobs = stores.created(new_session(&user("bob"), vec![], NOW)).await;
    assert_eq!(stores.finalized(&bobs, "Castle").await.slug, "castle");
}

/// Different titles may ask for the same.
pub async fn slugs_are_unique_per_user(stores: &Stores) {
    let alice = user("alice");
    let mut slugs = Vec::new();
    for title in [
        "Castle",
        "Castle Gate",
        "castle",
        "Castle 1",
        "Castle!",
        "¡",
    ] {
        let session = stores.created(new_session(&alice, vec![], NOW)).await;
        slugs.push(stores.finalized(&session, title).await.slug);
    }
    assert_eq!(
        slugs,
        [
            "castle",
            "castle-gate",
            "castle-1",
            "castle-1-1",
            "castle-2",
            "moc"
        ]
    );
}

/// Nobody fails for it.
pub async fn concurrent_commits_get_a_slug_each(stores: &Stores) {
    let alice = user("alice");
    let mut sessions = Vec::new();
    for _ in 0..8 {
        let session = stores.created(new_session(&alice, vec![], NOW)).await;
        stores.locked(&session, NOW).await;
        sessions.push(session);
    }
    let outcomes = stores
        .concurrently(8, |store, index| {
            // Two sessions each ask for one title, and all titles for one slug.
            let title = format!("Castle{}", "!".repeat(index / 2));
            let moc = new_moc(&sessions[index], vec![], &title, NOW);
            async move { store.commit_finalize(moc, NOW).await.unwrap() }
        })
        .await;
    let slugs: HashSet<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Created(moc) => Some(moc.slug.as_str()),
            _ => None,
        })
        .collect();
    let expected = HashSet::from(["castle", "castle-1", "castle-2", "castle-3"]);
    assert_eq!(slugs, expected);
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, TitleTaken { .. }));
    assert_eq!(refused.count(), 4);
}

/// Because it went stale and was taken over, or the session was cancelled.
pub async fn a_lost_lock_creates_nothing(stores: &Stores) {
    let session = stores.session(vec![]).await;
    assert_eq!(commit(stores, &session, "Castle", NOW).await, LockLost);
    stores.locked(&session, NOW).await;
    let taken_over_at = NOW + LOCK_TTL;
    stores.locked(&session, taken_over_at).await;
    assert_eq!(commit(stores, &session, "Castle", NOW).await, LockLost);
    assert_eq!(stores.detail(&session).await.summary.moc, None);

    let now = taken_over_at + LOCK_TTL;
    let cancelled = stores
        .store
        .cancel_session(session.id, &session.user_id, now, LOCK_TTL)
        .await;
    cancelled.unwrap();
    let outcome = commit(stores, &session, "Castle", taken_over_at).await;
    assert_eq!(outcome, LockLost);
    assert_eq!(stores.detail(&session).await.summary.moc, None);
    // Nor is the title taken.
    let next = new_session(&session.user_id, vec![], NOW);
    let next = stores.created(next).await;
    stores.finalized(&next, "Castle").await;
}
