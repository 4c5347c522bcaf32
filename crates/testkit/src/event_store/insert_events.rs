//! Writing events.

use std::sync::Arc;

use moc_uploads_core::analytics::Event;
use moc_uploads_core::ids::{EventId, SessionId};
use moc_uploads_core::ports::NewSession;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::EventStores;
use crate::builders::{instruction, session_id};

/// A session in which three things happened.
async fn busy_session(stores: &EventStores) -> (NewSession, Vec<Event>) {
    let session = stores.sessions.session(vec![instruction("a", 10)]).await;
    stores
        .sessions
        .completed(&session, instruction("a", 10))
        .await;
    let events = stores.events(&session).await;
    assert_eq!(events.len(), 3);
    (session, events)
}

/// And counted once.
pub async fn an_event_is_written_once_whoever_writes_it(stores: &EventStores) {
    let (session, events) = busy_session(stores).await;
    assert_eq!(stores.store.insert_events(&[]).await.unwrap(), 0);
    assert_eq!(stores.store.insert_events(&events[..2]).await.unwrap(), 2);
    assert_eq!(stores.replica.insert_events(&events).await.unwrap(), 1);
    assert_eq!(stores.store.insert_events(&events).await.unwrap(), 0);
    let written = stores.facts(&session).await.written;
    assert_eq!(written, events.iter().map(|event| event.id).collect());
}

/// None fails for it.
pub async fn concurrent_writers_write_each_event_once(stores: &EventStores) {
    const WRITERS: usize = 8;
    let mut events = Vec::new();
    for _ in 0..20 {
        events.extend(busy_session(stores).await.1);
    }
    events.sort_by_key(|event| event.id);
    let (events, start) = (Arc::new(events), Arc::new(Barrier::new(WRITERS)));
    let mut writers = JoinSet::new();
    for index in 0..WRITERS {
        let store = [&stores.store, &stores.replica][index % 2].clone();
        let (events, start) = (events.clone(), start.clone());
        writers.spawn(async move {
            start.wait().await;
            store.insert_events(&events).await.unwrap()
        });
    }
    let written: u64 = writers.join_all().await.into_iter().sum();
    assert_eq!(written, events.len() as u64);
}

/// Somebody may have removed it by hand.
pub async fn events_of_a_session_that_is_gone_hold_up_no_other(stores: &EventStores) {
    let (session, mut events) = busy_session(stores).await;
    let nobodys: SessionId = session_id();
    events.insert(
        1,
        Event {
            id: EventId(nobodys.0),
            session_id: nobodys,
            ..events[0].clone()
        },
    );
    assert_eq!(stores.store.insert_events(&events).await.unwrap(), 3);
    assert_eq!(stores.written_count(&session).await, 3);
}
