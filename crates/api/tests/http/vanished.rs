//! Clients that go away in the middle: what they have begun ends in good order (docs/behaviour.md).

use std::future::IntoFuture;
use std::io;

use bytes::Bytes;
use futures_util::stream;
use moc_uploads_testkit::app::{Call, LocalFile, RemoteFile, Response, TestApp, session_path};
use moc_uploads_testkit::faults::{Fault, Faults};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;

use crate::{MINUTE, NO_FILES};

fn pdf() -> LocalFile {
    LocalFile::pdf("castle.pdf", 2500)
}

/// The client of `call` goes away when the store has been asked for `operation`; what it began has
/// ended when this returns.
async fn vanish_in(app: &TestApp, faults: &Faults, operation: &'static str, call: Call) {
    let gate = faults.hold(operation);
    let request = tokio::spawn(call.into_future());
    gate.arrived(1).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    gate.open();
    app.detached_work_ended().await;
}

#[tokio::test]
async fn a_finalize_makes_its_moc() {
    for operation in ["begin_finalize", "commit_finalize"] {
        let app = TestApp::new().await;
        let alice = app.user("alice");
        let (id, _) = alice.upload_all(&[pdf()]).await;
        let call = alice.finalize_call(&id, "Castle");
        vanish_in(&app, &app.session_faults, operation, call).await;
        let moc = alice.session(&id).await["moc"].clone();
        assert_eq!(moc["title"], "Castle", "{operation}");
        app.session_faults.clear();
        let again = alice.finalize_call(&id, "Castle").await.expect(200).json();
        assert_eq!(
            (&again["id"], &again["idempotent"]),
            (&moc["id"], &true.into())
        );
    }
}

#[tokio::test]
async fn a_finalize_that_is_refused_releases_its_lock() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[pdf()]).await;
    app.object_faults.fail("read_object", Fault::Unavailable);
    let call = alice.finalize_call(&id, "Castle");
    vanish_in(&app, &app.object_faults, "read_object", call).await;
    app.object_faults.clear();
    alice.finalize_call(&id, "Castle").await.expect(201);
}

#[tokio::test]
async fn a_file_is_completed() {
    for operation in ["completion_target", "complete_file"] {
        let app = TestApp::new().await;
        let alice = app.user("alice");
        let file = pdf();
        let id = alice.create_session(std::slice::from_ref(&file)).await;
        let remote = alice.register(&id, &file).await;
        let parts = alice.put_parts(&remote, &file).await;
        let call = alice.complete_call(&remote, &parts);
        vanish_in(&app, &app.session_faults, operation, call).await;
        app.session_faults.clear();
        let content = alice.content(&remote).await.expect(200);
        assert_eq!(content.body, file.bytes, "{operation}");
    }
}

#[tokio::test]
async fn a_cancel_leaves_no_bytes() {
    for operation in ["abort_upload", "delete_object"] {
        let app = TestApp::new().await;
        let alice = app.user("alice");
        let files = [pdf(), LocalFile::image("front.png", 2500)];
        let id = alice.create_session(&files).await;
        alice.upload(&id, &files[0]).await;
        let uploading = alice.register(&id, &files[1]).await;
        alice
            .put_part(&uploading, 1, files[1].part(1, 1024))
            .await
            .expect(200);
        let call = alice.delete(session_path(&id));
        vanish_in(&app, &app.object_faults, operation, call).await;
        assert_eq!(app.stored_files(), NO_FILES, "{operation}");
    }
}

/// A part of which the client has sent the first half.
struct HalfSent {
    body: UnboundedSender<io::Result<Bytes>>,
    rest: Bytes,
    request: JoinHandle<Response>,
}

async fn send_half(app: &TestApp, remote: &RemoteFile, part: Bytes) -> HalfSent {
    let (body, mut frames) = unbounded_channel();
    let call = app
        .user("alice")
        .put_part(remote, 1, part.clone())
        .stream(stream::poll_fn(move |cx| frames.poll_recv(cx)));
    body.send(Ok(part.slice(..500))).unwrap();
    let gate = app.object_faults.hold("put_part");
    let request = tokio::spawn(call.into_future());
    gate.arrived(1).await;
    gate.open();
    HalfSent {
        body,
        rest: part.slice(500..),
        request,
    }
}

#[tokio::test]
async fn a_cancel_with_a_part_in_flight_leaves_no_bytes() {
    for vanishes in [false, true] {
        let app = TestApp::new().await;
        let alice = app.user("alice");
        let file = pdf();
        let id = alice.create_session(std::slice::from_ref(&file)).await;
        let remote = alice.register(&id, &file).await;
        let part = send_half(&app, &remote, file.part(1, 1024)).await;
        alice.delete(session_path(&id)).await.expect(204);
        if vanishes {
            part.request.abort();
            assert!(part.request.await.unwrap_err().is_cancelled());
            drop(part.body);
        } else {
            part.body.send(Ok(part.rest)).unwrap();
            drop(part.body);
            let answer = part.request.await.unwrap();
            answer.refused(400, "SESSION_NOT_ACTIVE");
        }
        app.detached_work_ended().await;
        let stored = app.stored_files_without_late_parts();
        assert_eq!(stored, NO_FILES, "vanishes: {vanishes}");
    }
}

/// One request is recorded with the time that it saw, another one finds the session past its time
/// while the first has not been written yet. What the second one leaves must not cost the first
/// its bytes.
#[tokio::test]
async fn a_part_that_comes_too_late_does_not_end_a_session_that_lives() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = pdf();
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    app.clock.advance(14 * MINUTE);
    let late = app.object_faults.hold("put_part");
    let late_part = alice.put_part(&remote, 2, file.part(2, 1024));
    let late_part = tokio::spawn(late_part.into_future());
    late.arrived(1).await;
    app.object_faults.clear();
    let in_time = app.session_faults.hold("record_part");
    let part_in_time = alice.put_part(&remote, 1, file.part(1, 1024));
    let part_in_time = tokio::spawn(part_in_time.into_future());
    in_time.arrived(1).await;
    app.session_faults.clear();

    app.clock.advance(2 * MINUTE);
    late.open();
    late_part.await.unwrap().refused(410, "SESSION_EXPIRED");
    in_time.open();
    let extended = part_in_time.await.unwrap().expect(200).json();
    assert_eq!(extended["sessionExtended"], true);
    for part_number in 2..=3 {
        let part = file.part(part_number, 1024);
        alice.put_part(&remote, part_number, part).await.expect(200);
    }
    let listed = alice.get(format!("{}/parts", remote.path)).await;
    alice
        .complete_call(&remote, &listed.expect(200).json())
        .await
        .expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
}
