//! Reading sessions, which is no activity (CONTRACT section 1.10).

use moc_uploads_core::file::FileStatus;
use moc_uploads_core::ports::{NewSession, SessionPage, SessionQuery};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::session::SessionStatus;
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{LOCK_TTL, NOW, as_stored};
use crate::builders::{MINUTE, file_id, image, instruction, new_session, session_id, user};

fn query(user_id: &UserId, status: Option<SessionStatus>, now: Timestamp) -> SessionQuery {
    SessionQuery {
        user_id: user_id.clone(),
        status,
        now,
        limit: 100,
        offset: 0,
    }
}

async fn list(stores: &Stores, query: SessionQuery) -> SessionPage {
    stores.store.list_sessions(query).await.unwrap()
}

fn ids(page: &SessionPage) -> Vec<moc_uploads_core::ids::SessionId> {
    page.sessions
        .iter()
        .map(|summary| summary.session.id)
        .collect()
}

/// Not found is a value, and a file is found in its own session alone.
pub async fn what_is_not_there_is_none(stores: &Stores) {
    let store = &stores.store;
    let (nowhere, nothing) = (session_id(), file_id());
    assert_eq!(store.declared_session(nowhere).await.unwrap(), None);
    assert_eq!(store.session_detail(nowhere).await.unwrap(), None);
    assert_eq!(store.file(nowhere, nothing).await.unwrap(), None);
    assert_eq!(store.part_target(nowhere, nothing, 1).await.unwrap(), None);
    assert_eq!(store.file_with_parts(nowhere, nothing).await.unwrap(), None);
    assert_eq!(
        store.completion_target(nowhere, nothing).await.unwrap(),
        None
    );

    let session = stores.session(vec![]).await;
    let other = stores.session(vec![]).await;
    let file = stores.registered(&other, instruction("a", 4)).await;
    stores.recorded(&other, &file, 1).await;
    for file_id in [nothing, file.id] {
        let found = store.file(session.id, file_id).await.unwrap().unwrap();
        assert_eq!(found.session, as_stored(&session, SessionStatus::Active));
        assert_eq!(found.file, None);
        let found = store.part_target(session.id, file_id, 1).await.unwrap();
        let found = found.unwrap();
        assert_eq!((found.target.file, found.is_recorded), (None, false));
        for found in [
            store.file_with_parts(session.id, file_id).await,
            store.completion_target(session.id, file_id).await,
        ] {
            let found = found.unwrap().unwrap();
            assert_eq!((found.target.file, found.parts), (None, vec![]));
        }
    }
}

/// Totals are what was declared; a completed file counts whole, others what has arrived.
pub async fn a_session_sums_up_what_has_arrived(stores: &Stores) {
    let declared = vec![
        instruction("a", 100),
        image("b", 20),
        image("c", 30),
        image("d", 40),
    ];
    let session = stores.session(declared).await;
    stores.completed(&session, instruction("a", 100)).await;
    let uploading = stores.registered(&session, image("b", 20)).await;
    stores.recorded(&session, &uploading, 1).await;
    stores.recorded(&session, &uploading, 2).await;
    stores.registered(&session, image("c", 30)).await;

    let detail = stores.detail(&session).await;
    let summary = &detail.summary;
    assert_eq!(summary.session, as_stored(&session, SessionStatus::Active));
    assert_eq!((summary.file_count, summary.bytes_total), (4, 190));
    assert_eq!(summary.bytes_received, 108);
    assert_eq!(summary.moc, None);
    let files: Vec<_> = detail
        .files
        .iter()
        .map(|progress| {
            (
                progress.file.status,
                progress.parts_received,
                progress.bytes_received,
            )
        })
        .collect();
    assert_eq!(
        files,
        [
            (FileStatus::Completed, 1, 100),
            (FileStatus::Uploading, 2, 8),
            (FileStatus::Pending, 0, 0),
        ]
    );
    // What an ended session holds is nobody's any more.
    stores.cancelled(&session).await;
    let summary = stores.detail(&session).await.summary;
    assert_eq!((summary.bytes_total, summary.bytes_received), (190, 0));
}

/// With the total of all that match.
pub async fn a_list_is_a_users_own_newest_first_in_pages(stores: &Stores) {
    let (alice, bob) = (user("alice"), user("bob"));
    let mut newest_first = Vec::new();
    for minutes in [2, 0, 1] {
        let session = new_session(&alice, vec![], NOW + minutes * MINUTE);
        newest_first.push(stores.created(session).await);
    }
    newest_first.sort_by_key(|session| std::cmp::Reverse(session.created_at));
    let newest_first: Vec<_> = newest_first.iter().map(|session| session.id).collect();
    stores.created(new_session(&bob, vec![], NOW)).await;

    let all = list(stores, query(&alice, None, NOW)).await;
    assert_eq!((ids(&all), all.total), (newest_first.clone(), 3));
    let page = SessionQuery {
        limit: 1,
        offset: 1,
        ..query(&alice, None, NOW)
    };
    let page = list(stores, page).await;
    assert_eq!((ids(&page), page.total), (newest_first[1..2].to_vec(), 3));
    let beyond = SessionQuery {
        offset: u64::MAX,
        ..query(&alice, None, NOW)
    };
    let beyond = list(stores, beyond).await;
    assert_eq!((ids(&beyond), beyond.total), (vec![], 3));
    let none = list(stores, query(&user("carol"), None, NOW)).await;
    assert_eq!((ids(&none), none.total), (vec![], 0));
}

/// One past its expiry is expired, whether the reaper came or not.
pub async fn a_list_can_be_of_one_status_as_it_is_now(stores: &Stores) {
    let alice = user("alice");
    let at = |minutes| new_session(&alice, vec![], NOW + minutes * MINUTE);
    let due = stores.created(at(0)).await;
    let cancelled = stores.created(at(1)).await;
    stores.cancelled(&cancelled).await;
    let completed = stores.created(at(2)).await;
    stores.finalized(&completed, "Castle").await;
    let active = stores.created(at(3)).await;
    for is_reaped in [false, true] {
        if is_reaped {
            let expired = stores
                .store
                .expire_sessions(due.expires_at, LOCK_TTL, 9)
                .await
                .unwrap();
            assert_eq!(expired.len(), 1);
        }
        for (status, session) in [
            (SessionStatus::Expired, &due),
            (SessionStatus::Cancelled, &cancelled),
            (SessionStatus::Completed, &completed),
            (SessionStatus::Active, &active),
        ] {
            let page = list(stores, query(&alice, Some(status), due.expires_at)).await;
            assert_eq!(
                (ids(&page), page.total),
                (vec![session.id], 1),
                "{status:?}"
            );
        }
    }
}

/// The same sums, the same MOC.
pub async fn a_list_says_of_a_session_what_the_session_says(stores: &Stores) {
    let alice = user("alice");
    let mut sessions: Vec<NewSession> = Vec::new();
    for minutes in 0..3 {
        let files = vec![instruction("a", 100), image("b", 20)];
        let session = new_session(&alice, files, NOW + minutes * MINUTE);
        let session = stores.created(session).await;
        stores.completed(&session, instruction("a", 100)).await;
        let file = stores.registered(&session, image("b", 20)).await;
        stores.recorded(&session, &file, 1).await;
        sessions.push(session);
    }
    stores.finalized(&sessions[0], "Castle").await;
    stores.cancelled(&sessions[1]).await;
    let page = list(stores, query(&alice, None, NOW)).await;
    assert!(page.sessions[2].moc.is_some());
    for (session, summary) in sessions.iter().rev().zip(&page.sessions) {
        assert_eq!(*summary, stores.detail(session).await.summary);
    }
}
