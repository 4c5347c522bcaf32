//! Sessions that end without a MOC (CONTRACT sections 1.9 and 1.10).

use std::collections::HashSet;

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ports::{CancelSessionOutcome, EndedSession, NewSession};
use moc_uploads_core::session::{Session, SessionStatus};
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{LOCK_TTL, MILLISECOND, NOW, as_stored};
use crate::builders::{MINUTE, image, instruction, new_session, session_id, user};

async fn cancel(stores: &Stores, session: &NewSession, now: Timestamp) -> CancelSessionOutcome {
    let store = &stores.store;
    let outcome = store.cancel_session(session.id, &session.user_id, now, LOCK_TTL);
    outcome.await.unwrap()
}

async fn expire(stores: &Stores, now: Timestamp) -> Vec<Session> {
    let store = &stores.store;
    store.expire_sessions(now, LOCK_TTL, 100).await.unwrap()
}

async fn to_free(stores: &Stores) -> Vec<EndedSession> {
    stores.store.sessions_to_free(None, 100).await.unwrap()
}

async fn status(stores: &Stores, session: &NewSession) -> SessionStatus {
    stores.detail(session).await.summary.session.stored_status
}

/// Completed files included.
pub async fn cancelling_hands_over_every_upload_and_is_repeatable(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let completed = stores.completed(&session, instruction("a", 4)).await;
    let uploading = stores.registered(&session, image("b", 8)).await;
    stores.recorded(&session, &uploading, 1).await;
    let expected = EndedSession {
        session: as_stored(&session, SessionStatus::Cancelled),
        uploads: vec![completed.upload, uploading.upload],
    };
    assert_eq!(
        cancel(stores, &session, NOW).await,
        CancelSessionOutcome::Cancelled(expected.clone())
    );
    assert_eq!(stores.statuses(&session).await, ["failed", "failed"]);
    assert_eq!(
        cancel(stores, &session, NOW).await,
        CancelSessionOutcome::AlreadyEnded
    );
    // Should freeing at once fail, the reaper finds the same.
    assert_eq!(to_free(stores).await, [expected]);
}

/// And stays what it is.
pub async fn a_session_that_cannot_be_cancelled_stays(stores: &Stores) {
    let finalized = stores.session(vec![]).await;
    stores.completed(&finalized, instruction("a", 4)).await;
    stores.finalized(&finalized, "Castle").await;
    let outcome = cancel(stores, &finalized, NOW).await;
    assert_eq!(outcome, CancelSessionOutcome::Completed);
    assert_eq!(status(stores, &finalized).await, SessionStatus::Completed);
    assert_eq!(stores.statuses(&finalized).await, ["completed"]);

    let locked = stores.session(vec![]).await;
    stores.locked(&locked, NOW).await;
    let last = NOW + LOCK_TTL - MILLISECOND;
    let outcome = cancel(stores, &locked, last).await;
    assert_eq!(outcome, CancelSessionOutcome::Finalizing);
    assert_eq!(status(stores, &locked).await, SessionStatus::Active);

    let expired = stores.session(vec![]).await;
    let outcome = cancel(stores, &expired, expired.expires_at).await;
    assert_eq!(outcome, CancelSessionOutcome::AlreadyEnded);

    let nobodys = stores.session(vec![]).await;
    let somebody_else = NewSession {
        user_id: user("bob"),
        ..nobodys.clone()
    };
    let nowhere = NewSession {
        id: session_id(),
        ..nobodys.clone()
    };
    for session in [somebody_else, nowhere] {
        let outcome = cancel(stores, &session, NOW).await;
        assert_eq!(outcome, CancelSessionOutcome::NoSuchSession);
    }
    assert_eq!(status(stores, &nobodys).await, SessionStatus::Active);
}

/// Whoever held it has died.
pub async fn a_session_with_a_stale_lock_can_be_cancelled(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.locked(&session, NOW).await;
    let outcome = cancel(stores, &session, NOW + LOCK_TTL).await;
    assert!(matches!(outcome, CancelSessionOutcome::Cancelled(_)));
}

/// Each once, and no others.
pub async fn sessions_expire_at_the_millisecond(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.completed(&session, instruction("a", 4)).await;
    let cancelled = stores.session(vec![]).await;
    stores.cancelled(&cancelled).await;
    let finalized = stores.session(vec![]).await;
    stores.finalized(&finalized, "Castle").await;

    assert_eq!(expire(stores, session.expires_at - MILLISECOND).await, []);
    assert_eq!(
        expire(stores, session.expires_at).await,
        [as_stored(&session, SessionStatus::Expired)]
    );
    assert_eq!(status(stores, &session).await, SessionStatus::Expired);
    assert_eq!(stores.statuses(&session).await, ["failed"]);
    assert_eq!(expire(stores, session.expires_at).await, []);
    assert_eq!(status(stores, &cancelled).await, SessionStatus::Cancelled);
    assert_eq!(status(stores, &finalized).await, SessionStatus::Completed);
}

/// It is about to become a MOC.
pub async fn a_session_under_a_fresh_lock_does_not_expire(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let locked_at = session.expires_at - MILLISECOND;
    stores.locked(&session, locked_at).await;
    let last = locked_at + LOCK_TTL - MILLISECOND;
    assert_eq!(expire(stores, last).await, []);
    assert_eq!(expire(stores, locked_at + LOCK_TTL).await.len(), 1);
}

/// Those that are due longest first.
pub async fn expiring_takes_so_many_at_a_time(stores: &Stores) {
    let mut due = Vec::new();
    for minutes in [2, 0, 1] {
        let session = new_session(&user("alice"), vec![], NOW + minutes * MINUTE);
        due.push(stores.created(session).await);
    }
    due.sort_by_key(|session| session.expires_at);
    let now = NOW + 60 * MINUTE;
    for (limit, expected) in [(2, &due[..2]), (2, &due[2..]), (2, &[])] {
        let expired = stores.store.expire_sessions(now, LOCK_TTL, limit).await;
        let expired: HashSet<_> = expired.unwrap().iter().map(|expired| expired.id).collect();
        assert_eq!(expired, expected.iter().map(|session| session.id).collect());
    }
}

/// So that one of them writes what is to be written about it.
pub async fn concurrent_reapers_share_the_expired_sessions(stores: &Stores) {
    let mut due = HashSet::new();
    for _ in 0..20 {
        due.insert(stores.session(vec![]).await.id);
    }
    let expired = stores
        .concurrently(8, |store, _| async move {
            let now = NOW + 60 * MINUTE;
            store.expire_sessions(now, LOCK_TTL, 5).await.unwrap()
        })
        .await
        .concat();
    assert_eq!(expired.len(), 20);
    let expired: HashSet<_> = expired.iter().map(|session| session.id).collect();
    assert_eq!(expired, due);
}

/// In pages by id; one without files too.
pub async fn ended_sessions_are_to_be_freed_until_they_are(stores: &Stores) {
    let expired = stores.session(vec![]).await;
    let file = stores.registered(&expired, instruction("a", 4)).await;
    let other = stores.registered(&expired, instruction("b", 4)).await;
    assert_eq!(to_free(stores).await, []);
    expire(stores, expired.expires_at).await;
    let cancelled = new_session(&user("bob"), vec![], expired.expires_at + MINUTE);
    let cancelled = stores.created(cancelled).await;
    stores.cancelled(&cancelled).await;

    let first = EndedSession {
        session: as_stored(&expired, SessionStatus::Expired),
        uploads: vec![file.upload, other.upload],
    };
    let second = EndedSession {
        session: as_stored(&cancelled, SessionStatus::Cancelled),
        uploads: vec![],
    };
    let in_order = if expired.id < cancelled.id {
        [first, second.clone()]
    } else {
        [second.clone(), first]
    };
    assert_eq!(to_free(stores).await, in_order);
    let page = stores.store.sessions_to_free(None, 1).await.unwrap();
    assert_eq!(page, in_order[..1]);
    let after = Some(page[0].session.id);
    let page = stores.store.sessions_to_free(after, 100).await.unwrap();
    assert_eq!(page, in_order[1..]);
    let store = &stores.replica;
    store.mark_session_freed(expired.id, NOW).await.unwrap();
    assert_eq!(to_free(stores).await, [second]);
    store.mark_session_freed(cancelled.id, NOW).await.unwrap();
    assert_eq!(to_free(stores).await, []);
}

/// Its files are there to be read about, without a URL, and its parts are forgotten.
pub async fn a_freed_session_holds_nothing(stores: &Stores) {
    let session = stores.session(vec![]).await;
    stores.completed(&session, instruction("a", 4)).await;
    let uploading = stores.registered(&session, instruction("b", 8)).await;
    stores.recorded(&session, &uploading, 1).await;
    stores.cancelled(&session).await;
    // Freeing may be repeated: the reaper and a cancel can be at it at once.
    for _ in 0..2 {
        let freed = stores.store.mark_session_freed(session.id, NOW).await;
        freed.unwrap();
    }
    let files = stores.detail(&session).await.files;
    assert_eq!(files.len(), 2);
    for progress in files {
        assert_eq!(progress.file.status, FileStatus::Failed);
        assert_eq!(progress.file.file_url, None);
        assert_eq!((progress.parts_received, progress.bytes_received), (0, 0));
    }
    let found = stores.store.file_with_parts(session.id, uploading.id).await;
    assert_eq!(found.unwrap().unwrap().parts, []);
}

/// When it was freed before a time; with what it held.
pub async fn a_freed_session_is_looked_at_once_more(stores: &Stores) {
    let store = &stores.store;
    let mut held = Vec::new();
    for key in ["a", "b", "c"] {
        let session = stores.session(vec![]).await;
        let file = stores.registered(&session, instruction(key, 4)).await;
        stores.cancelled(&session).await;
        held.push(EndedSession {
            session: as_stored(&session, SessionStatus::Cancelled),
            uploads: vec![file.upload],
        });
    }
    held.sort_unstable_by_key(|ended| ended.session.id);
    let early = NOW + MILLISECOND;
    let to_recheck = async |before, after, limit| {
        let found = store.sessions_to_recheck(before, after, limit).await;
        found.unwrap()
    };
    let first = held[0].session.id;
    store.mark_session_rechecked(first, NOW).await.unwrap();
    assert_eq!(to_recheck(early, None, 10).await, [], "nothing was freed");
    for ended in &held {
        let freed = store.mark_session_freed(ended.session.id, NOW).await;
        freed.unwrap();
    }
    assert_eq!(to_recheck(NOW, None, 10).await, []);
    assert_eq!(to_recheck(early, None, 10).await, held);
    assert_eq!(to_recheck(early, None, 2).await, held[..2]);
    assert_eq!(to_recheck(early, Some(first), 10).await, held[1..]);
    let replica = &stores.replica;
    replica.mark_session_rechecked(first, early).await.unwrap();
    assert_eq!(to_recheck(early, None, 10).await, held[1..]);
}

/// Nor one that became a MOC, nor one that is due but was not ended.
pub async fn a_session_that_lives_is_not_freed(stores: &Stores) {
    let active = stores.session(vec![]).await;
    stores.completed(&active, instruction("a", 4)).await;
    let uploading = stores.registered(&active, instruction("b", 8)).await;
    stores.recorded(&active, &uploading, 1).await;
    let finalized = stores.session(vec![]).await;
    stores.completed(&finalized, instruction("a", 4)).await;
    stores.finalized(&finalized, "Castle").await;
    for session in [&active, &finalized] {
        let before = stores.detail(session).await;
        let now = session.expires_at;
        let freed = stores.store.mark_session_freed(session.id, now).await;
        freed.unwrap();
        assert_eq!(stores.detail(session).await, before);
    }
}
