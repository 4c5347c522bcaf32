//! Expired sessions and the reaper (CONTRACT section 1.9).

use std::future::IntoFuture;
use std::time::Duration;

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp};
use moc_uploads_testkit::faults::Fault;
use serde_json::json;

use crate::logs::Log;
use crate::{MINUTE, NO_FILES, instant};

const MS: Duration = Duration::from_millis(1);

#[tokio::test]
async fn any_activity_is_410_reaped_or_not() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 10), LocalFile::image("b", 10)];
    let id = alice.create_session(&files).await;
    let remote = alice.register(&id, &files[0]).await;
    let parts = alice.put_parts(&remote, &files[0]).await;
    let expires_at = app.clock.now() + 15 * MINUTE;
    app.clock.set(expires_at);

    for is_reaped in [false, true] {
        if is_reaped {
            app.clock.advance(MINUTE);
            app.uploads.reap_sessions().await.unwrap();
        }
        let batch = alice.post(format!("{SESSIONS}/{id}/files/batch"));
        for call in [
            alice.register_call(&id, &files[1]),
            batch.json(&json!({ "files": [files[1].metadata] })),
            alice.put_part(&remote, 1, files[0].bytes.clone()),
            alice.complete_call(&remote, &parts),
            alice.finalize_call(&id, "Castle"),
        ] {
            let problem = call.await.refused(410, "SESSION_EXPIRED");
            assert_eq!(problem["sessionExpired"], true);
            assert_eq!(instant(&problem["expiresAt"]), expires_at);
            assert_eq!(instant(&problem["now"]), app.clock.now());
        }
        // Reading is no activity.
        let session = alice.session(&id).await;
        assert_eq!(session["status"], "expired");
        assert_eq!(instant(&session["expiresAt"]), expires_at);
        alice
            .get(format!("{}/parts", remote.path))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_session_lasts_to_the_millisecond() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let first = alice.create_session(std::slice::from_ref(&file)).await;
    let second = alice.create_session(std::slice::from_ref(&file)).await;
    app.clock.advance(15 * MINUTE - MS);
    assert_eq!(app.uploads.reap_sessions().await.unwrap().expired, 0);
    alice.register_call(&first, &file).await.expect(201);
    app.clock.advance(MS);
    alice
        .register_call(&second, &file)
        .await
        .refused(410, "SESSION_EXPIRED");
}

#[tokio::test]
async fn a_completed_file_of_an_expired_session_can_be_read_until_it_is_reaped() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (_, remotes) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    app.clock.advance(15 * MINUTE);
    alice.content(&remotes[0]).await.expect(200);
    app.uploads.reap_sessions().await.unwrap();
    alice.content(&remotes[0]).await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn the_reaper_frees_what_expired_sessions_hold() {
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
    app.clock.advance(14 * MINUTE);
    // Another session is in full use.
    let (kept, remotes) = alice.upload_all(&[LocalFile::pdf("c", 2500)]).await;
    app.clock.advance(MINUTE);

    let reaped = app.uploads.reap_sessions().await.unwrap();
    assert_eq!((reaped.expired, reaped.freed), (1, 1));
    assert_eq!(alice.session(&id).await["status"], "expired");
    for file in alice.session(&id).await["files"].as_array().unwrap() {
        assert_eq!(file["status"], "failed");
    }
    alice.content(&remotes[0]).await.expect(200);
    let again = app.uploads.reap_sessions().await.unwrap();
    assert_eq!((again.expired, again.freed), (0, 0));

    alice.delete(format!("{SESSIONS}/{kept}")).await.expect(204);
    assert_eq!(
        app.stored_files(),
        NO_FILES,
        "nothing of the expired session is left"
    );
}

#[tokio::test]
async fn the_reaper_tries_again_what_failed() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    app.clock.advance(15 * MINUTE);
    app.object_faults.fail("abort_upload", Fault::Unavailable);
    let reaped = app.uploads.reap_sessions().await.unwrap();
    assert_eq!((reaped.expired, reaped.freed), (1, 0));
    app.object_faults.clear();
    let reaped = app.uploads.reap_sessions().await.unwrap();
    assert_eq!((reaped.expired, reaped.freed), (0, 1));
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn reapers_at_once_expire_each_session_once_and_leave_nothing() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for _ in 0..5 {
        alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    }
    app.clock.advance(15 * MINUTE);
    let runs = (0..4).map(|_| app.uploads.reap_sessions());
    let reaped = futures_util::future::join_all(runs).await;
    let reaped: Vec<_> = reaped.into_iter().map(Result::unwrap).collect();
    assert_eq!(reaped.iter().map(|run| run.expired).sum::<usize>(), 5);
    // Freeing is repeatable: whoever comes while it is under way does it, too.
    let freed: usize = reaped.iter().map(|run| run.freed).sum();
    assert!(freed >= 5, "{freed}");
    assert_eq!(app.uploads.reap_sessions().await.unwrap().freed, 0);
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn a_session_that_is_being_finalized_is_not_reaped() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, remotes) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    app.clock.advance(14 * MINUTE);
    let gate = app.object_faults.hold("object_size");
    let finalizing = tokio::spawn(alice.finalize_call(&id, "Castle").into_future());
    gate.arrived(1).await;
    app.clock.advance(2 * MINUTE);
    app.uploads.renew_finalize_locks().await.unwrap();
    assert_eq!(app.uploads.reap_sessions().await.unwrap().expired, 0);
    gate.open();
    finalizing.await.unwrap().expect(201);
    app.uploads.reap_sessions().await.unwrap();
    alice.content(&remotes[0]).await.expect(200);
}

#[tokio::test]
async fn a_store_that_is_away_is_not_asked_for_each_session() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for _ in 0..12 {
        alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    }
    app.clock.advance(15 * MINUTE);
    app.object_faults.fail_everything(Fault::Unavailable);
    let (log, guard) = Log::start();
    let reaped = app.uploads.reap_sessions().await.unwrap();
    assert_eq!((reaped.expired, reaped.freed), (12, 0));
    let failed = log.with_message("storage not freed, trying again in the next run");
    assert_eq!(failed.len(), 8, "{failed:?}");
    drop(guard);

    // What is wrong with some concerns no others.
    app.object_faults.clear();
    app.object_faults.fail("abort_upload", Fault::Internal);
    let (log, _guard) = Log::start();
    assert_eq!(app.uploads.reap_sessions().await.unwrap().freed, 0);
    let failed = log.with_message("storage not freed, trying again in the next run");
    assert_eq!(failed.len(), 12);
    app.object_faults.clear();
    assert_eq!(app.uploads.reap_sessions().await.unwrap().freed, 12);
}

#[tokio::test]
async fn sessions_and_their_files_are_freed_side_by_side() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for _ in 0..2 {
        let files = [LocalFile::pdf("a", 10), LocalFile::image("b", 10)];
        alice.upload_all(&files).await;
    }
    app.clock.advance(15 * MINUTE);
    let gate = app.object_faults.hold("abort_upload");
    let uploads = app.uploads.clone();
    let reaping = tokio::spawn(async move { uploads.reap_sessions().await });
    gate.arrived(4).await;
    gate.open();
    assert_eq!(reaping.await.unwrap().unwrap().freed, 2);
    assert_eq!(app.stored_files(), NO_FILES);
}
