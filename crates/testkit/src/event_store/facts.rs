//! What the tables say about sessions (CONTRACT section 1.8).

use std::collections::HashSet;

use moc_uploads_core::analytics::{FileFacts, SessionFacts};
use moc_uploads_core::error::ErrorCode;
use moc_uploads_core::ports::{NewFile, NewSession};
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;

use super::EventStores;
use crate::builders::{MINUTE, instruction, new_file, session_id};
use crate::session_store::fixture::{LOCK_TTL, MILLISECOND, NOW, completion, registration};

fn expected(
    session: &NewSession,
    files: &[(&NewFile, Timestamp, Option<Timestamp>)],
) -> SessionFacts {
    let files = files
        .iter()
        .map(|(file, registered_at, completed_at)| FileFacts {
            file_id: file.id,
            category: file.metadata.category,
            size_bytes: file.metadata.size_bytes,
            registered_at: *registered_at,
            completed_at: *completed_at,
        });
    SessionFacts {
        session_id: session.id,
        user_id: session.user_id.clone(),
        status: SessionStatus::Active,
        file_count: session.files.len() as u64,
        total_size_bytes: session.files.iter().map(|file| file.size_bytes).sum(),
        created_at: session.created_at,
        expires_at: session.expires_at,
        cancelled_at: None,
        finalized_at: None,
        refusals: vec![],
        files: files.collect(),
        written: HashSet::new(),
    }
}

async fn facts(stores: &EventStores, session: &NewSession) -> SessionFacts {
    let mut facts = stores.facts(session).await;
    facts.files.sort_by_key(|file| file.file_id);
    facts
}

/// To the millisecond.
pub async fn facts_are_what_the_steps_recorded(stores: &EventStores) {
    let declared = vec![
        instruction("a", 10),
        instruction("b", 20),
        instruction("c", 30),
    ];
    let session = stores.sessions.session(declared).await;
    assert_eq!(facts(stores, &session).await, expected(&session, &[]));
    let [a, b] = ["a", "b"].map(|key| new_file(&session.user_id, session.id, instruction(key, 10)));
    let (registered_at, completed_at) = (NOW + MILLISECOND, NOW + MINUTE);
    let register = registration(&session, vec![a.clone(), b.clone()], registered_at);
    stores
        .sessions
        .store
        .register_files(register)
        .await
        .unwrap();
    let complete = completion(&session, &a, completed_at);
    stores
        .sessions
        .store
        .complete_file(complete.clone())
        .await
        .unwrap();
    let mut files = [
        (&a, registered_at, Some(completed_at)),
        (&b, registered_at, None),
    ];
    files.sort_by_key(|(file, ..)| file.id);
    assert_eq!(facts(stores, &session).await, expected(&session, &files));

    let again = moc_uploads_core::ports::CompleteFile {
        now: completed_at + MINUTE,
        ..complete
    };
    stores.sessions.store.complete_file(again).await.unwrap();
    assert_eq!(facts(stores, &session).await, expected(&session, &files));
    let nobodys = stores.store.session_facts(&[session_id()]).await;
    assert_eq!(nobodys.unwrap(), []);
}

/// By then the file has failed.
pub async fn a_completion_is_remembered_when_its_file_is_freed(stores: &EventStores) {
    let session = stores.sessions.session(vec![instruction("a", 10)]).await;
    let file = stores
        .sessions
        .completed(&session, instruction("a", 10))
        .await;
    stores.sessions.cancelled(&session).await;
    let freed = stores
        .sessions
        .store
        .mark_session_freed(session.id, NOW + MINUTE);
    freed.await.unwrap();
    assert_eq!(stores.sessions.statuses(&session).await, ["failed"]);
    let facts = facts(stores, &session).await;
    assert_eq!(facts.files[0].file_id, file.id);
    assert_eq!(facts.files[0].completed_at, Some(NOW));
}

/// Of an expired one that is when it expired, not when the reaper came.
pub async fn each_end_of_a_session_has_its_time(stores: &EventStores) {
    let files = || vec![instruction("a", 10)];
    let finalized = stores.sessions.session(files()).await;
    stores
        .sessions
        .completed(&finalized, instruction("a", 10))
        .await;
    stores.sessions.finalized(&finalized, "Castle").await;
    let found = facts(stores, &finalized).await;
    let ends = (found.status, found.cancelled_at, found.finalized_at);
    assert_eq!(ends, (SessionStatus::Completed, None, Some(NOW)));

    let cancelled = stores.sessions.session(files()).await;
    let at = NOW + MINUTE;
    let cancel =
        stores
            .sessions
            .store
            .cancel_session(cancelled.id, &cancelled.user_id, at, LOCK_TTL);
    cancel.await.unwrap();
    let freed = stores
        .sessions
        .store
        .mark_session_freed(cancelled.id, at + MINUTE);
    freed.await.unwrap();
    let found = facts(stores, &cancelled).await;
    let ends = (found.status, found.cancelled_at, found.finalized_at);
    assert_eq!(ends, (SessionStatus::Cancelled, Some(at), None));

    let expired = stores.sessions.session(files()).await;
    let reaped_at = expired.expires_at + MINUTE;
    let expire = stores
        .sessions
        .store
        .expire_sessions(reaped_at, LOCK_TTL, 10);
    assert_eq!(expire.await.unwrap().len(), 1);
    let found = facts(stores, &expired).await;
    let ends = (found.status, found.cancelled_at, found.expires_at);
    assert_eq!(ends, (SessionStatus::Expired, None, expired.expires_at));
}

/// However often the same follows.
pub async fn a_refusal_is_remembered_with_its_first_time(stores: &EventStores) {
    let session = stores.sessions.session(vec![instruction("a", 10)]).await;
    let refusals = [
        None,
        Some(ErrorCode::FilesIncomplete),
        Some(ErrorCode::BadRequest),
        None,
        Some(ErrorCode::FilesIncomplete),
    ];
    let mut at = NOW;
    for refusal in refusals {
        stores.sessions.locked(&session, at).await;
        let release =
            stores
                .sessions
                .store
                .release_finalize(session.id, at, refusal, at + MILLISECOND);
        release.await.unwrap();
        at = at + MINUTE;
    }
    let mut refusals = facts(stores, &session).await.refusals;
    refusals.sort();
    let expected = [
        ("BAD_REQUEST".to_owned(), NOW + 2 * MINUTE + MILLISECOND),
        ("FILES_INCOMPLETE".to_owned(), NOW + MINUTE + MILLISECOND),
    ];
    assert_eq!(refusals, expected);
}

/// Whoever took the lock over says what came of it.
pub async fn a_refusal_without_the_lock_is_none(stores: &EventStores) {
    let session = stores.sessions.session(vec![instruction("a", 10)]).await;
    stores.sessions.locked(&session, NOW).await;
    let refusal = Some(ErrorCode::BadRequest);
    let not_ours = NOW + MILLISECOND;
    let release = stores
        .sessions
        .store
        .release_finalize(session.id, not_ours, refusal, NOW);
    release.await.unwrap();
    assert_eq!(facts(stores, &session).await.refusals, []);
}

/// Also on another replica.
pub async fn facts_of_many_sessions_are_kept_apart(stores: &EventStores) {
    let mut sessions = Vec::new();
    for size in 1..=5 {
        let session = stores.sessions.session(vec![instruction("a", size)]).await;
        stores
            .sessions
            .completed(&session, instruction("a", size))
            .await;
        let events = stores.events(&session).await;
        let first = &events[..size as usize % 3];
        stores.store.insert_events(first).await.unwrap();
        sessions.push((
            session.id,
            size,
            first.iter().map(|event| event.id).collect::<HashSet<_>>(),
        ));
    }
    let ids: Vec<_> = sessions.iter().map(|(id, ..)| *id).collect();
    let mut found = stores.replica.session_facts(&ids).await.unwrap();
    found.sort_by_key(|facts| facts.total_size_bytes);
    assert_eq!(found.len(), sessions.len());
    for (facts, (id, size, written)) in found.iter().zip(sessions) {
        assert_eq!((facts.session_id, facts.total_size_bytes), (id, size));
        assert_eq!(facts.files.len(), 1);
        assert_eq!(facts.files[0].size_bytes, size);
        assert_eq!(facts.written, written);
    }
}
