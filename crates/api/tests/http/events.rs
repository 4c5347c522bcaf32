//! Which analytics events are written, when, and what happens when they can't be (CONTRACT section
//! 1.8).

use std::collections::HashSet;
use std::future::IntoFuture;
use std::time::Duration;

use moc_uploads_core::analytics::{Event, events_of};
use moc_uploads_core::service::EventBatch;
use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, create_body, session_path};
use moc_uploads_testkit::faults::Fault;

use crate::MINUTE;
use crate::analytics::execute;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Small, so that there are several.
const BATCH: EventBatch = EventBatch {
    size: 2,
    since: None,
};

/// Writes what was noted.
async fn flush(app: &TestApp) -> u64 {
    app.uploads.write_events(BATCH).await.unwrap()
}

/// Looks for what is missing.
async fn reconcile(app: &TestApp) -> u64 {
    let reconcile = app.uploads.reconcile_events(BATCH, Duration::ZERO);
    reconcile.await.unwrap()
}

/// The events that are written, in the order of a session's life.
async fn written(app: &TestApp, session_id: &str) -> Vec<Event> {
    let store = &app.uploads.deps().events;
    let facts = store.session_facts(&[session_id.parse().unwrap()]).await;
    let Some(facts) = facts.unwrap().pop() else {
        return Vec::new();
    };
    let mut events = events_of(&facts);
    let all: HashSet<_> = events.iter().map(|event| event.id).collect();
    assert!(facts.written.is_subset(&all), "an event of nothing");
    events.retain(|event| facts.written.contains(&event.id));
    events
}

fn types(events: &[Event]) -> Vec<&'static str> {
    let types = events.iter().map(|event| event.event_type.as_str());
    types.collect()
}

async fn reasons(app: &TestApp, session_id: &str) -> Vec<(String, u64)> {
    let events = written(app, session_id).await.into_iter();
    events
        .filter_map(|event| {
            let reason = event.metadata.failure_reason?;
            Some((reason, event.metadata.elapsed_time_ms))
        })
        .collect()
}

#[tokio::test]
async fn each_step_of_a_session_is_an_event() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 1500), LocalFile::csv("b", 100)];
    let created_at = app.clock.now();
    let id = alice.create_session(&files).await;
    assert_eq!(flush(&app).await, 1);
    app.clock.advance(SECOND);
    let remote = alice.register(&id, &files[0]).await;
    app.clock.advance(5 * SECOND);
    let parts = alice.put_parts(&remote, &files[0]).await;
    alice.complete_call(&remote, &parts).await.expect(200);
    // Completing it again is no event.
    app.clock.advance(SECOND);
    alice.complete_call(&remote, &parts).await.expect(200);
    alice.finalize_call(&id, "Castle").await.expect(201);
    alice.finalize_call(&id, "Castle").await.expect(200);
    assert_eq!(written(&app, &id).await.len(), 1, "nothing waits for it");
    assert_eq!(flush(&app).await, 3);
    assert_eq!(flush(&app).await, 0);

    let events = written(&app, &id).await;
    let expected = [
        "session_created",
        "file_registered",
        "file_completed",
        "session_finalized",
    ];
    assert_eq!(types(&events), expected);
    let times: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.created_at.since(created_at).as_secs(),
                event.metadata.elapsed_time_ms,
            )
        })
        .collect();
    assert_eq!(times, [(0, 0), (1, 0), (6, 5000), (7, 7000)]);
    let sizes: Vec<_> = events
        .iter()
        .map(|event| (event.metadata.file_count, event.metadata.total_size_bytes))
        .collect();
    assert_eq!(sizes, [(2, 1600), (1, 1500), (1, 1500), (2, 1600)]);
    assert_eq!(app.uploads.deps().event_queue.stats().written, 4);
}

#[tokio::test]
async fn a_session_fails_once_for_each_reason() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = LocalFile::pdf("a", 100);
    let mut fake = LocalFile::pdf("b", 100);
    fake.bytes = vec![b'x'; 100].into();
    let id = alice.create_session(&[pdf.clone(), fake.clone()]).await;
    let refused = async |reason: &str| {
        for _ in 0..2 {
            app.clock.advance(SECOND);
            alice
                .finalize_call(&id, "Castle")
                .await
                .refused(400, reason);
        }
    };
    refused("BAD_REQUEST").await;
    let remote = alice.register(&id, &fake).await;
    refused("FILES_INCOMPLETE").await;
    let parts = alice.put_parts(&remote, &fake).await;
    alice.complete_call(&remote, &parts).await.expect(200);
    refused("CONTENT_TYPE_MISMATCH").await;
    app.clock.advance(SECOND);
    alice.delete(session_path(&id)).await.expect(204);
    alice.delete(session_path(&id)).await.expect(204);
    flush(&app).await;
    let mut found = reasons(&app, &id).await;
    found.sort_by_key(|(_, elapsed_ms)| *elapsed_ms);
    let expected = [
        ("BAD_REQUEST", 1000),
        ("FILES_INCOMPLETE", 3000),
        ("CONTENT_TYPE_MISMATCH", 5000),
        ("CANCELLED", 7000),
    ];
    assert_eq!(found, expected.map(|(reason, ms)| (reason.to_owned(), ms)));
}

#[tokio::test]
async fn a_session_that_expires_has_failed_when_it_expired() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[LocalFile::pdf("a", 100)]).await;
    app.clock.advance(60 * MINUTE);
    app.uploads.reap_sessions().await.unwrap();
    flush(&app).await;
    assert_eq!(
        types(&written(&app, &id).await)[2..],
        ["file_completed", "session_failed"]
    );
    let expected = [("SESSION_EXPIRED".to_owned(), 15 * 60 * 1000)];
    assert_eq!(reasons(&app, &id).await, expected);
}

#[tokio::test]
async fn a_title_that_is_taken_is_no_failure() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (first, _) = alice.upload_all(&[LocalFile::pdf("a", 100)]).await;
    alice.finalize_call(&first, "Castle").await.expect(201);
    let (second, _) = alice.upload_all(&[LocalFile::pdf("b", 100)]).await;
    alice
        .finalize_call(&second, "Castle")
        .await
        .refused(409, "CONFLICT");
    let bob = app.user("bob");
    bob.finalize_call(&second, "Castle")
        .await
        .refused(404, "NOT_FOUND");
    flush(&app).await;
    assert_eq!(types(&written(&app, &second).await).len(), 3);
    assert_eq!(reasons(&app, &second).await, []);
}

#[tokio::test]
async fn what_creates_nothing_is_no_event() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let body = create_body(&[LocalFile::pdf("a", 100)]);
    for _ in 0..2 {
        let create = alice
            .post(SESSIONS)
            .json(&body)
            .header("idempotency-key", "k");
        create.await.expect(201);
    }
    let refused = alice
        .post(SESSIONS)
        .json(&create_body(&[LocalFile::image("a", 1)]));
    refused.await.refused(400, "BAD_REQUEST");
    assert_eq!(flush(&app).await, 1);
}

#[tokio::test]
async fn uploads_go_on_while_no_event_can_be_written() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = [LocalFile::pdf("a", 1500)];
    app.event_faults.fail_everything(Fault::Unavailable);
    let (id, _) = alice.upload_all(&pdf).await;
    app.uploads.write_events(BATCH).await.unwrap_err();
    alice.finalize_call(&id, "Castle").await.expect(201);
    app.uploads.write_events(BATCH).await.unwrap_err();
    let stats = app.uploads.deps().event_queue.stats();
    assert_eq!((stats.queue_depth, stats.failed, stats.written), (1, 2, 0));

    app.event_faults.clear();
    assert_eq!(flush(&app).await, 4);
    assert_eq!(written(&app, &id).await.len(), 4);
    assert_eq!(app.uploads.deps().event_queue.stats().queue_depth, 0);
}

#[tokio::test]
async fn uploads_go_on_while_events_wait() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = [LocalFile::pdf("a", 1500)];
    let (id, _) = alice.upload_all(&pdf).await;
    let gate = app.event_faults.hold("insert_events");
    let uploads = app.uploads.clone();
    let writer = tokio::spawn(async move { uploads.write_events(BATCH).await });
    gate.arrived(1).await;
    alice.finalize_call(&id, "Castle").await.expect(201);
    let (other, _) = alice.upload_all(&pdf).await;
    gate.open();
    writer.into_future().await.unwrap().unwrap();
    flush(&app).await;
    assert_eq!(written(&app, &id).await.len(), 4);
    assert_eq!(written(&app, &other).await.len(), 3);
}

#[tokio::test]
async fn what_finds_the_queue_full_is_derived() {
    let app = TestApp::with(|options| options.event_queue_size = 1).await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 100)];
    let (noted, _) = alice.upload_all(&files).await;
    let (dropped, _) = alice.upload_all(&files).await;
    assert_eq!(flush(&app).await, 3);
    assert_eq!(written(&app, &noted).await.len(), 3);
    assert_eq!(written(&app, &dropped).await.len(), 0);

    // What is young may be on its way.
    let grace = app.uploads.reconcile_events(BATCH, SECOND);
    assert_eq!(grace.await.unwrap(), 0);
    app.clock.advance(SECOND);
    let grace = app.uploads.reconcile_events(BATCH, SECOND);
    assert_eq!(grace.await.unwrap(), 3);
    assert_eq!(written(&app, &dropped).await.len(), 3);
    assert_eq!(reconcile(&app).await, 0);
    let stats = app.uploads.deps().event_queue.stats();
    assert_eq!((stats.written, stats.derived, stats.dropped), (3, 3, 3));
}

/// As after a crash, or with analytics off.
#[tokio::test]
async fn what_was_never_noted_is_derived_once_whatever_became_of_it() {
    let app = TestApp::with(|options| options.event_queue_size = 0).await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 100)];
    let (finalized, _) = alice.upload_all(&files).await;
    alice.finalize_call(&finalized, "Castle").await.expect(201);
    let (cancelled, _) = alice.upload_all(&files).await;
    alice.delete(session_path(&cancelled)).await.expect(204);
    let (expired, _) = alice.upload_all(&files).await;
    let refused = alice.create_session(&files).await;
    alice
        .finalize_call(&refused, "Tower")
        .await
        .refused(400, "BAD_REQUEST");
    assert_eq!(flush(&app).await, 0);
    app.clock.advance(3 * DAY);
    app.uploads.reap_sessions().await.unwrap();
    drop(alice);

    let app = app.restart().await;
    assert_eq!(reconcile(&app).await, 4 + 4 + 4 + 3);
    for (id, last) in [
        (&finalized, "session_finalized"),
        (&cancelled, "session_failed"),
        (&expired, "session_failed"),
    ] {
        let events = written(&app, id).await;
        assert_eq!(
            types(&events)[..3],
            ["session_created", "file_registered", "file_completed"]
        );
        assert_eq!(types(&events)[3..], [last]);
    }
    let expected = [
        ("BAD_REQUEST".to_owned(), 0),
        ("SESSION_EXPIRED".to_owned(), 900_000),
    ];
    assert_eq!(reasons(&app, &refused).await, expected);
    assert_eq!(reconcile(&app).await, 0);
    let unsettled = app.uploads.deps().events.unsettled_sessions(None, 10);
    assert_eq!(unsettled.await.unwrap(), []);
}

#[tokio::test]
async fn what_was_pruned_is_not_derived_again() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (settled, _) = alice.upload_all(&[LocalFile::pdf("a", 100)]).await;
    alice.finalize_call(&settled, "Castle").await.expect(201);
    let (open, _) = alice.upload_all(&[LocalFile::pdf("a", 100)]).await;
    flush(&app).await;
    app.clock.advance(30 * DAY);
    let before = app.clock.now() - 7 * DAY;
    assert_eq!(app.uploads.prune_events(before).await.unwrap(), 7);
    app.uploads.reap_sessions().await.unwrap();
    let kept = EventBatch {
        since: Some(before),
        ..BATCH
    };
    assert_eq!(app.uploads.write_events(kept).await.unwrap(), 0);
    let reconcile = app.uploads.reconcile_events(kept, Duration::ZERO);
    assert_eq!(reconcile.await.unwrap(), 0);
    for id in [&settled, &open] {
        assert_eq!(written(&app, id).await, []);
    }
}

#[tokio::test]
async fn rows_that_were_put_in_by_hand_stay_as_they_are() {
    let app = TestApp::with(|options| options.is_seeded = true).await;
    let dev = app.user("dev-user-00000000-0000-0000-0000-000000000001");
    let session = "99999999-9999-9999-9999-999999999999";
    dev.upload(session, &LocalFile::pdf("a", 100)).await;
    assert_eq!(flush(&app).await, 0);
    assert_eq!(reconcile(&app).await, 0);
}

#[tokio::test]
async fn a_row_that_can_not_be_read_keeps_no_other_session_waiting() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = [LocalFile::pdf("a", 100)];
    let odd = alice.create_session(&pdf).await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(alice.create_session(&pdf).await);
    }
    let id = "00000000-0000-4000-8000-000000000001";
    execute(
        &app,
        &format!(
            "INSERT INTO upload_session_files
               (id, session_id, user_id, file_key, file_size_bytes, category, created_at, updated_at)
             VALUES ('{id}', '{odd}', 'alice', 'a', 1, 'poster', :now0, :now0)"
        ),
    );
    // An error or none: it may have been alone in its batch.
    let _ = app.uploads.write_events(BATCH).await;
    for other in &others {
        assert_eq!(types(&written(&app, other).await), ["session_created"]);
    }
    let failed = app.uploads.deps().event_queue.stats().failed;
    assert!(failed > 0);

    // By the reconciler, too.
    others.push(alice.create_session(&pdf).await);
    others.push(alice.create_session(&pdf).await);
    assert_eq!(reconcile(&app).await, 2);
    assert!(app.uploads.deps().event_queue.stats().failed > failed);
    execute(&app, "UPDATE upload_session_files SET category = 'image'");
    assert_eq!(reconcile(&app).await, 2);
    let types = types(&written(&app, &odd).await);
    assert_eq!(types, ["session_created", "file_registered"]);
}
