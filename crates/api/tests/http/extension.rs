//! Automatic extension (CONTRACT section 1.7).

use std::time::Duration;

use moc_uploads_core::time::{Clock, Timestamp};
use moc_uploads_testkit::app::{Caller, LocalFile, Response, SESSIONS, TestApp};
use serde_json::{Value, json};

use crate::{MINUTE, count, instant, together};

const MS: Duration = Duration::from_millis(1);

async fn expires_at(caller: &Caller, id: &str) -> Timestamp {
    instant(&caller.session(id).await["expiresAt"])
}

#[track_caller]
fn assert_extended(response: &Response, to: Timestamp) {
    let json = response.json();
    assert_eq!(json["sessionExtended"], true, "{response:?}");
    assert_eq!(instant(&json["newExpiresAt"]), to);
}

#[track_caller]
fn assert_not_extended(response: &Response) {
    let json = response.json();
    assert_ne!(json["sessionExtended"], json!(true), "{response:?}");
    assert!(
        json.get("newExpiresAt").is_none_or(Value::is_null),
        "{response:?}"
    );
}

#[tokio::test]
async fn each_activity_extends_a_session_that_is_near_its_end() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 10), LocalFile::pdf("b", 10)];
    let id = alice.create_session(&files).await;

    app.clock.advance(5 * MINUTE);
    let registered = alice.register_call(&id, &files[0]).await.expect(201);
    assert_not_extended(&registered);
    app.clock.advance(MS);
    let registered = alice.register_call(&id, &files[1]).await.expect(201);
    let mut end = app.clock.now() + 30 * MINUTE;
    assert_extended(&registered, end);
    assert_eq!(expires_at(&alice, &id).await, end);

    let remote = moc_uploads_testkit::app::RemoteFile::new(&id, &registered.json());
    app.clock.advance(20 * MINUTE);
    let put = alice
        .put_part(&remote, 1, files[1].bytes.clone())
        .await
        .expect(200);
    assert_not_extended(&put);
    app.clock.advance(MS);
    let put = alice
        .put_part(&remote, 1, files[1].bytes.clone())
        .await
        .expect(200);
    end = app.clock.now() + 30 * MINUTE;
    assert_extended(&put, end);
    assert_eq!(expires_at(&alice, &id).await, end);

    app.clock.advance(20 * MINUTE + MS);
    let parts = json!({ "parts": [{ "partNumber": 1, "etag": put.json()["etag"] }] });
    let completed = alice.complete_call(&remote, &parts).await.expect(200);
    end = app.clock.now() + 30 * MINUTE;
    assert_extended(&completed, end);
    assert_eq!(expires_at(&alice, &id).await, end);
}

#[tokio::test]
async fn a_batch_is_activity() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    app.clock.advance(6 * MINUTE);
    let post = alice.post(format!("{SESSIONS}/{id}/files/batch"));
    let batch = post
        .json(&json!({ "files": [file.metadata] }))
        .await
        .expect(200);
    assert_extended(&batch, app.clock.now() + 30 * MINUTE);
}

#[tokio::test]
async fn reading_is_no_activity_and_neither_is_what_is_refused() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 10), LocalFile::pdf("b", 10)];
    let id = alice.create_session(&files).await;
    let remote = alice.upload(&id, &files[0]).await;
    let before = expires_at(&alice, &id).await;
    app.clock.advance(14 * MINUTE);
    alice.session(&id).await;
    alice.get(SESSIONS).await.expect(200);
    alice
        .get(format!("{}/parts", remote.path))
        .await
        .expect(200);
    alice.content(&remote).await.expect(200);
    alice
        .register_call(&id, &files[0])
        .await
        .refused(409, "CONFLICT");
    alice
        .put_part(&remote, 1, vec![0; 10])
        .await
        .refused(409, "CONFLICT");
    assert_eq!(expires_at(&alice, &id).await, before);
    app.clock.advance(MINUTE);
    assert_eq!(alice.session(&id).await["status"], "expired");
}

#[tokio::test]
async fn no_session_lives_longer_than_it_may() {
    let app = TestApp::with(|options| {
        options.settings.extension.max_lifetime = 60 * MINUTE;
    })
    .await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let created_at = app.clock.now();
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let put = || alice.put_part(&remote, 1, file.bytes.clone());
    let cap = created_at + 60 * MINUTE;

    app.clock.advance(10 * MINUTE);
    assert_extended(&put().await.expect(200), created_at + 40 * MINUTE);
    app.clock.advance(25 * MINUTE);
    assert_extended(&put().await.expect(200), cap);
    app.clock.set(cap - MS);
    assert_not_extended(&put().await.expect(200));
    app.clock.set(cap);
    put().await.refused(410, "SESSION_EXPIRED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activity_at_once_extends_once() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 16 * 1024);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    app.clock.advance(10 * MINUTE);
    let put = |n| alice.put_part(&remote, n, file.part(n, 1024));
    let responses = together((1..=16).map(put)).await;
    assert_eq!(count(&responses, 200), 16);
    let extended: Vec<_> = responses
        .iter()
        .filter(|response| response.json()["sessionExtended"] == true)
        .collect();
    assert_eq!(extended.len(), 1);
    assert_extended(extended[0], app.clock.now() + 30 * MINUTE);
}
