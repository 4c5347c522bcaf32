//! `DELETE /sessions/{sessionId}` (CONTRACT section 1.10).

use std::future::IntoFuture;
use std::time::Duration;

use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, session_path};
use moc_uploads_testkit::faults::Fault;
use serde_json::json;

use crate::{MINUTE, NO_FILES, NOBODY, count, together};

#[tokio::test]
async fn frees_what_was_stored_and_can_be_repeated() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 2500), LocalFile::image("b", 2500)];
    let id = alice.create_session(&files).await;
    alice.upload(&id, &files[0]).await;
    let uploading = alice.register(&id, &files[1]).await;
    alice
        .put_part(&uploading, 2, files[1].part(2, 1024))
        .await
        .expect(200);
    assert_ne!(app.stored_files(), NO_FILES, "there is something to free");

    for _ in 0..2 {
        let cancelled = alice.delete(session_path(&id)).await.expect(204);
        assert!(cancelled.body.is_empty());
        assert_eq!(app.stored_files(), NO_FILES);
    }
    let session = alice.session(&id).await;
    assert_eq!(session["status"], "cancelled");
    for file in session["files"].as_array().unwrap() {
        assert_eq!(file["status"], "failed");
        assert!(file.get("fileUrl").is_none());
    }
}

#[tokio::test]
async fn a_cancelled_session_takes_nothing() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 10), LocalFile::image("b", 10)];
    let id = alice.create_session(&files).await;
    let remote = alice.register(&id, &files[0]).await;
    let parts = alice.put_parts(&remote, &files[0]).await;
    alice.delete(session_path(&id)).await.expect(204);

    let refused = "SESSION_NOT_ACTIVE";
    alice
        .register_call(&id, &files[1])
        .await
        .refused(400, refused);
    let batch = alice.post(format!("{SESSIONS}/{id}/files/batch"));
    let batch = batch.json(&json!({ "files": [files[1].metadata] }));
    batch.await.refused(400, refused);
    let part = files[0].part(1, 1024);
    alice.put_part(&remote, 1, part).await.refused(400, refused);
    alice
        .complete_call(&remote, &parts)
        .await
        .refused(400, refused);
    alice
        .finalize_call(&id, "Castle")
        .await
        .refused(400, refused);
    assert!(
        app.stored_files()
            .iter()
            .all(|file| !is_of(file, &remote.file_id))
    );
}

fn is_of(file: &std::path::Path, file_id: &str) -> bool {
    file.to_string_lossy().contains(file_id)
}

#[tokio::test]
async fn completed_files_of_a_cancelled_session_are_gone() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, remotes) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    alice.content(&remotes[0]).await.expect(200);
    alice.delete(session_path(&id)).await.expect(204);
    alice.content(&remotes[0]).await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn a_finalized_session_stays() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, remotes) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    alice.finalize_call(&id, "Castle").await.expect(201);
    alice
        .delete(session_path(&id))
        .await
        .refused(409, "CONFLICT");
    alice.content(&remotes[0]).await.expect(200);
    assert_eq!(alice.session(&id).await["status"], "completed");
}

#[tokio::test]
async fn a_session_that_is_being_finalized_stays() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    let gate = app.object_faults.hold("object_size");
    let finalizing = tokio::spawn(alice.finalize_call(&id, "Castle").into_future());
    gate.arrived(1).await;
    alice
        .delete(session_path(&id))
        .await
        .refused(409, "CONFLICT");
    gate.open();
    finalizing.await.unwrap().expect(201);
}

#[tokio::test]
async fn an_expired_session_may_be_cancelled() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    app.clock.advance(16 * MINUTE);
    alice.delete(session_path(&id)).await.expect(204);
    app.uploads.reap_sessions().await.unwrap();
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn nobody_elses_session_is_cancelled() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let id = alice.create_session(&[LocalFile::pdf("a", 10)]).await;
    for caller in [app.user("bob"), app.admin()] {
        caller
            .delete(session_path(&id))
            .await
            .refused(404, "NOT_FOUND");
    }
    alice
        .delete(session_path(NOBODY))
        .await
        .refused(404, "NOT_FOUND");
    alice
        .delete(session_path("nonsense"))
        .await
        .refused(404, "NOT_FOUND");
    assert_eq!(alice.session(&id).await["status"], "active");
}

#[tokio::test]
async fn what_could_not_be_freed_is_freed_later() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    app.object_faults.fail_everything(Fault::Unavailable);
    alice.delete(session_path(&id)).await.expect(204);
    assert_ne!(app.stored_files(), NO_FILES);
    assert_eq!(app.uploads.reap_sessions().await.unwrap().freed, 0);
    app.object_faults.clear();
    assert_eq!(app.uploads.reap_sessions().await.unwrap().freed, 1);
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn a_store_that_is_silent_keeps_no_answer_waiting() {
    let app = TestApp::with(|options| options.api.freeing_patience = Duration::ZERO).await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    let gate = app.object_faults.hold("abort_upload");
    alice.delete(session_path(&id)).await.expect(204);
    assert_eq!(alice.session(&id).await["status"], "cancelled");
    assert_ne!(app.stored_files(), NO_FILES);
    gate.open();
    app.detached_work_ended().await;
    assert_eq!(app.stored_files(), NO_FILES);
    assert_eq!(app.uploads.reap_sessions().await.unwrap().freed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancels_and_parts_at_once_leave_nothing() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 16 * 1024);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let mut calls = Vec::new();
    for part_number in 1..=16 {
        calls.push(alice.put_part(&remote, part_number, file.part(part_number, 1024)));
        if part_number % 4 == 0 {
            calls.push(alice.delete(session_path(&id)));
        }
    }
    let responses = together(calls).await;
    assert_eq!(count(&responses, 204), 4);
    for response in &responses {
        match response.status.as_u16() {
            200 | 204 => {}
            409 => drop(response.refused(409, "CONFLICT")),
            _ => drop(response.refused(400, "SESSION_NOT_ACTIVE")),
        }
    }
    assert_eq!(app.stored_files_without_late_parts(), NO_FILES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancel_and_finalize_at_once_end_in_one_of_them() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for round in 0..8 {
        let (id, remotes) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
        let finalize = alice.finalize_call(&id, &format!("Castle {round}"));
        let responses = together([finalize, alice.delete(session_path(&id))]).await;
        let status = alice.session(&id).await["status"].clone();
        let content = alice.content(&remotes[0]).await;
        if responses[1].status == 204 {
            responses[0].refused(400, "SESSION_NOT_ACTIVE");
            assert_eq!(status, "cancelled");
            content.refused(409, "CONFLICT");
        } else {
            responses[1].refused(409, "CONFLICT");
            assert_eq!(responses[0].status, 201);
            assert_eq!(status, "completed");
            content.expect(200);
        }
    }
}
