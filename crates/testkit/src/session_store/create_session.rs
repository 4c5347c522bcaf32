//! Creating sessions.

use moc_uploads_core::ports::CreateSessionOutcome;
use moc_uploads_core::session::SessionStatus;

use super::Stores;
use super::fixture::{NOW, as_stored};
use crate::builders::{hash, image, instruction, new_session, user, with_hash};

/// CONTRACT 1.1.
pub async fn a_created_session_is_stored_with_its_declaration(stores: &Stores) {
    let files = vec![
        with_hash(instruction("Bauanleitung \"1\" é", 7_000_000), hash('a')),
        image("front", 3),
    ];
    let session = stores.session(files.clone()).await;
    let found = stores
        .replica
        .declared_session(session.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.session, as_stored(&session, SessionStatus::Active));
    assert_eq!(found.declared, Some(files));
    assert_eq!(found.registered_count, 0);
    stores.registered(&session, image("front", 3)).await;
    let found = stores.store.declared_session(session.id).await.unwrap();
    assert_eq!(found.unwrap().registered_count, 1);
}

/// CONTRACT 1.1: the limit comes before the insert.
pub async fn a_refused_session_leaves_nothing(stores: &Stores) {
    let mut session = new_session(&user("alice"), vec![instruction("a", 1)], NOW);
    session.daily_limit = Some(0);
    assert_eq!(
        stores.store.create_session(session.clone()).await.unwrap(),
        CreateSessionOutcome::DailyLimitReached
    );
    assert_eq!(
        stores.store.declared_session(session.id).await.unwrap(),
        None
    );
}
