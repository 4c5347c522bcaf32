//! Finalizing at once, again, and after something went wrong (CONTRACT section 1.6).

use std::future::IntoFuture;

use moc_uploads_core::finalize::FINALIZE_LEASE;
use moc_uploads_testkit::app::{Caller, LocalFile, Response, SESSIONS, TestApp};
use moc_uploads_testkit::faults::{Fault, Gate};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::finalize::{pdf, ready};
use crate::{MINUTE, count, together};

/// A finalize that has the lock and goes on when the gate is opened. Others are not held.
async fn under_way(app: &TestApp, alice: &Caller, id: &str) -> (Gate, JoinHandle<Response>) {
    let gate = app.object_faults.hold("object_size");
    let finalizing = tokio::spawn(alice.finalize_call(id, "Castle").into_future());
    gate.arrived(1).await;
    app.object_faults.clear();
    (gate, finalizing)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn finalizes_at_once_make_one_moc() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let responses = together((0..16).map(|_| alice.finalize_call(&id, "Castle"))).await;
    assert_eq!(
        (count(&responses, 201), count(&responses, 200)),
        (1, 15),
        "{responses:?}"
    );
    let moc = alice.session(&id).await["moc"].clone();
    for response in &responses {
        let json = response.json();
        if response.status == 200 {
            assert_eq!(json["idempotent"], true);
        }
        if json["status"] == "finalizing" {
            assert_eq!(json, json!({ "status": "finalizing", "idempotent": true }));
        } else {
            assert_eq!(json["id"], moc["id"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_title_for_many_sessions_at_once_is_taken_once() {
    let app = TestApp::new().await;
    let mut calls = Vec::new();
    for _ in 0..8 {
        let (alice, id) = ready(&app).await;
        calls.push(alice.finalize_call(&id, "Castle"));
    }
    let responses = together(calls).await;
    assert_eq!((count(&responses, 201), count(&responses, 409)), (1, 7));
}

#[tokio::test]
async fn while_one_is_at_it_others_are_told() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [pdf(), LocalFile::image("i", 10)];
    let id = alice.create_session(&files).await;
    alice.upload(&id, &files[0]).await;
    let (gate, first) = under_way(&app, &alice, &id).await;
    let second = alice.finalize_call(&id, "Castle").await.expect(200).json();
    assert_eq!(
        second,
        json!({ "status": "finalizing", "idempotent": true })
    );
    alice
        .register_call(&id, &files[1])
        .await
        .refused(409, "CONFLICT");
    gate.open();
    first.await.unwrap().expect(201);
}

#[tokio::test]
async fn who_is_not_heard_of_loses_the_lock() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let (gate, first) = under_way(&app, &alice, &id).await;
    let almost = FINALIZE_LEASE - std::time::Duration::from_millis(1);
    for _ in 0..3 {
        app.clock.advance(almost);
        let second = alice.finalize_call(&id, "Castle").await.expect(200).json();
        assert_eq!(second["status"], "finalizing");
        app.uploads.renew_finalize_locks().await.unwrap();
    }
    app.clock.advance(FINALIZE_LEASE);
    let third = alice.finalize_call(&id, "Castle").await.expect(201).json();
    gate.open();
    let late = first.await.unwrap().expect(200).json();
    assert_eq!(late["idempotent"], true);
    assert_eq!(alice.session(&id).await["moc"]["id"], third["id"]);
    // Nothing is held that would have to be renewed.
    app.session_faults
        .fail("renew_finalize", Fault::Unavailable);
    app.uploads.renew_finalize_locks().await.unwrap();
}

/// However often its owner is heard of.
#[tokio::test]
async fn a_lock_goes_stale() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let (gate, first) = under_way(&app, &alice, &id).await;
    app.clock
        .advance(5 * MINUTE - std::time::Duration::from_millis(1));
    app.uploads.renew_finalize_locks().await.unwrap();
    let second = alice.finalize_call(&id, "Castle").await.expect(200).json();
    assert_eq!(second["status"], "finalizing");
    app.clock.advance(std::time::Duration::from_millis(2));
    let third = alice.finalize_call(&id, "Castle").await.expect(201).json();
    // Whoever lost the lock comes too late and makes nothing.
    gate.open();
    let late = first.await.unwrap().expect(200).json();
    assert_eq!(late["idempotent"], true);
    assert!(
        late["id"] == third["id"] || late["status"] == "finalizing",
        "{late}"
    );
    assert_eq!(alice.session(&id).await["moc"]["id"], third["id"]);
}

#[tokio::test]
async fn who_lost_the_lock_is_told_of_a_session_that_ended() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let gate = app.session_faults.hold("commit_finalize");
    let finalizing = tokio::spawn(alice.finalize_call(&id, "Castle").into_future());
    gate.arrived(1).await;
    app.clock.advance(5 * MINUTE);
    alice.delete(format!("{SESSIONS}/{id}")).await.expect(204);
    gate.open();
    let late = finalizing.await.unwrap();
    late.refused(400, "SESSION_NOT_ACTIVE");
}

#[tokio::test]
async fn a_failure_releases_the_lock() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    app.object_faults.fail("read_object", Fault::Unavailable);
    let refused = alice.finalize_call(&id, "Castle").await;
    refused.refused(503, "STORAGE_UNAVAILABLE");
    app.object_faults.clear();
    app.session_faults
        .fail("commit_finalize", Fault::Unavailable);
    let refused = alice.finalize_call(&id, "Castle").await;
    refused.refused(503, "DATABASE_UNAVAILABLE");
    app.session_faults.clear();
    alice.finalize_call(&id, "Castle").await.expect(201);
}

#[tokio::test]
async fn an_object_that_is_gone_is_our_fault() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let (gate, finalizing) = under_way(&app, &alice, &id).await;
    let key = format!("dev/moc-instructions/alice/{id}/instruction/");
    let file = alice.session(&id).await["files"][0]["fileId"]
        .as_str()
        .unwrap()
        .to_owned();
    let key = moc_uploads_core::object_key::ObjectKey::parse(&format!("{key}{file}.pdf")).unwrap();
    app.uploads
        .deps()
        .objects
        .delete_object(&key)
        .await
        .unwrap();
    gate.open();
    finalizing.await.unwrap().refused(500, "INTERNAL_ERROR");
}
