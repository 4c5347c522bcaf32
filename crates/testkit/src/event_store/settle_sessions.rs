//! Sessions whose events are not known to be complete.

use super::EventStores;
use crate::builders::instruction;

/// Not before: more may happen.
pub async fn sessions_are_settled_when_they_have_ended(stores: &EventStores) {
    let active = stores.sessions.session(vec![instruction("a", 10)]).await;
    let mut ended = stores.sessions.ended_sessions().await;
    // The last one has expired, but the reaper has not been there.
    let unreaped = ended.pop().unwrap().0;
    let mut all: Vec<_> = ended.iter().map(|(session, ..)| session.id).collect();
    all.extend([active.id, unreaped.id]);
    all.sort();
    assert_eq!(stores.unsettled().await, all);
    stores.store.settle_sessions(&all).await.unwrap();
    stores.replica.settle_sessions(&all).await.unwrap();
    let mut open = vec![active.id, unreaped.id];
    open.sort();
    assert_eq!(stores.unsettled().await, open);
}

/// By id.
pub async fn unsettled_sessions_come_in_pages(stores: &EventStores) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(stores.sessions.session(vec![instruction("a", 10)]).await.id);
    }
    ids.sort();
    let page = |after, limit| stores.replica.unsettled_sessions(after, limit);
    assert_eq!(page(None, 2).await.unwrap(), ids[..2]);
    assert_eq!(page(Some(ids[1]), 2).await.unwrap(), ids[2..4]);
    assert_eq!(page(Some(ids[3]), 2).await.unwrap(), ids[4..]);
    assert_eq!(page(Some(ids[4]), 2).await.unwrap(), []);
}
