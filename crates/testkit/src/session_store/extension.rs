//! Sessions that are used extend themselves (CONTRACT section 1.7).

use moc_uploads_core::ports::{Activity, NewSession};
use moc_uploads_core::session::{Extension, ExtensionRule};
use moc_uploads_core::time::Timestamp;

use super::Stores;
use super::fixture::{MILLISECOND, NOW, completion, part, registration};
use crate::builders::{EXTENSION, MINUTE, instruction, new_file, new_session, user};

fn extension_of<T: std::fmt::Debug>(activity: Activity<T>) -> Option<Extension> {
    match activity {
        Activity::Done { extension, .. } => extension,
        other => panic!("refused: {other:?}"),
    }
}

/// The last moment at which activity does not extend.
fn far(session: &NewSession) -> Timestamp {
    session.expires_at - EXTENSION.threshold
}

fn near(session: &NewSession) -> Timestamp {
    far(session) + MILLISECOND
}

/// What each kind of activity extends at `now`: registering, a part, completing.
async fn extensions(stores: &Stores, at: impl Fn(&NewSession) -> Timestamp) {
    let store = &stores.store;
    for activity in ["register", "record", "complete"] {
        let session = stores.session(vec![]).await;
        let now = at(&session);
        let file = stores.registered(&session, instruction("a", 4)).await;
        let other = new_file(&session.user_id, session.id, instruction("b", 4));
        let extension = match activity {
            "register" => {
                let registration = registration(&session, vec![other], now);
                extension_of(store.register_files(registration).await.unwrap())
            }
            "record" => {
                let part = part(&session, &file, 1, now);
                extension_of(store.record_part(part).await.unwrap())
            }
            _ => {
                let completion = completion(&session, &file, now);
                extension_of(store.complete_file(completion).await.unwrap())
            }
        };
        let expected = (now > far(&session)).then_some(Extension {
            old_expires_at: session.expires_at,
            new_expires_at: now + EXTENSION.ttl,
        });
        assert_eq!(extension, expected, "{activity}");
        let expires_at = expected.map_or(session.expires_at, |new| new.new_expires_at);
        assert_eq!(stores.expires_at(&session).await, expires_at, "{activity}");
    }
}

/// With less than the threshold left.
pub async fn every_activity_near_expiry_extends(stores: &Stores) {
    extensions(stores, near).await;
}

/// With the threshold or more left.
pub async fn activity_far_from_expiry_does_not_extend(stores: &Stores) {
    extensions(stores, far).await;
}

/// A request that was refused is no use of the session.
pub async fn what_changes_nothing_does_not_extend(stores: &Stores) {
    let store = &stores.store;
    let session = stores.session(vec![]).await;
    let file = stores.completed(&session, instruction("a", 4)).await;
    let now = near(&session);
    let taken = new_file(&session.user_id, session.id, instruction("a", 4));
    let taken = registration(&session, vec![taken], now);
    let register = store.register_files(taken).await.unwrap();
    assert_eq!(extension_of(register), None);
    let record = store.record_part(part(&session, &file, 1, now)).await;
    assert_eq!(extension_of(record.unwrap()), None);
    let complete = store.complete_file(completion(&session, &file, now)).await;
    assert_eq!(extension_of(complete.unwrap()), None);
    assert_eq!(stores.expires_at(&session).await, session.expires_at);
}

/// One of them says so.
pub async fn concurrent_activity_extends_once(stores: &Stores) {
    let session = stores.session(vec![]).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let now = near(&session);
    let extensions = stores
        .concurrently(16, |store, index| {
            let part = part(&session, &file, index as u32 + 1, now);
            async move { extension_of(store.record_part(part).await.unwrap()) }
        })
        .await;
    assert_eq!(extensions.iter().flatten().count(), 1);
    assert_eq!(stores.expires_at(&session).await, now + EXTENSION.ttl);
}

/// It is never passed, and at it nothing is extended.
pub async fn at_the_cap_the_session_expires_although_it_is_used(stores: &Stores) {
    let cap = NOW + 20 * MINUTE;
    let rule = ExtensionRule {
        max_lifetime: cap.since(NOW),
        ..EXTENSION
    };
    let session = new_session(&user("alice"), vec![], NOW);
    let session = stores.created(session).await;
    let file = stores.registered(&session, instruction("a", 4)).await;
    let record = async |part_number, now| {
        let mut part = part(&session, &file, part_number, now);
        part.extension = rule;
        stores.store.record_part(part).await.unwrap()
    };
    let extension = extension_of(record(1, NOW + 14 * MINUTE).await);
    assert_eq!(extension.map(|new| new.new_expires_at), Some(cap));
    let extension = extension_of(record(2, cap - MILLISECOND).await);
    assert_eq!(extension, None);
    assert_eq!(stores.expires_at(&session).await, cap);
    assert!(matches!(
        record(3, cap).await,
        Activity::SessionClosed(Some(_))
    ));
}
