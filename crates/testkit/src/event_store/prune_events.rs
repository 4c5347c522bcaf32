//! Events that are too old to be kept.

use super::EventStores;
use crate::builders::{MINUTE, instruction, new_session, user};
use crate::session_store::fixture::{MILLISECOND, NOW};

/// What is pruned stays so: a session that is settled is not looked at again.
pub async fn pruning_takes_the_oldest_to_the_millisecond_and_so_many_at_a_time(
    stores: &EventStores,
) {
    let mut sessions = Vec::new();
    for minutes in 0..4 {
        let files = vec![instruction("a", 10)];
        let session = new_session(&user("alice"), files, NOW + minutes * MINUTE);
        let session = stores.sessions.created(session).await;
        let events = stores.events(&session).await;
        assert_eq!(stores.store.insert_events(&events).await.unwrap(), 1);
        sessions.push(session);
    }
    let last = NOW + 2 * MINUTE;
    assert_eq!(stores.store.prune_events(NOW, 10).await.unwrap(), 0);
    assert_eq!(
        stores
            .store
            .prune_events(last + MILLISECOND, 2)
            .await
            .unwrap(),
        2
    );
    let mut written = Vec::new();
    for session in &sessions {
        written.push(stores.written_count(session).await);
    }
    assert_eq!(written, [0, 0, 1, 1]);
    assert_eq!(stores.replica.prune_events(last, 2).await.unwrap(), 0);
    assert_eq!(
        stores
            .replica
            .prune_events(last + MILLISECOND, 2)
            .await
            .unwrap(),
        1
    );
}
