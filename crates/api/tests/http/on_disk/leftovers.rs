//! What a crash leaves in the object store is swept at the next start (DESIGN section 7).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use moc_uploads_testkit::app::{LocalFile, TestApp, session_path};
use moc_uploads_testkit::faults::Fault;

use crate::NO_FILES;

#[tokio::test]
async fn what_no_record_knows_is_removed_and_the_rest_stays() {
    let app = TestApp::on_disk(|_| {}).await;
    let alice = app.user("alice");
    let files = [
        LocalFile::pdf("a", 2500),
        LocalFile::image("b", 2500),
        LocalFile::csv("c", 10),
    ];
    let id = alice.create_session(&files).await;
    let completed = alice.upload(&id, &files[0]).await;
    let uploading = alice.register(&id, &files[1]).await;
    alice
        .put_part(&uploading, 1, files[1].part(1, 1024))
        .await
        .expect(200);
    let known = app.stored_files();

    // As if the process had died between the store's step and the record.
    app.session_faults
        .fail("register_files", Fault::Unavailable);
    app.object_faults.fail("abort_upload", Fault::Unavailable);
    alice
        .register_call(&id, &files[2])
        .await
        .refused(503, "DATABASE_UNAVAILABLE");
    app.session_faults.clear();
    app.object_faults.clear();
    app.uploads.sweep_leftovers().await.unwrap();

    assert_eq!(app.stored_files(), known);
    assert_eq!(
        alice.content(&completed).await.expect(200).body,
        files[0].bytes
    );
    let parts = alice.put_parts(&uploading, &files[1]).await;
    alice.complete_call(&uploading, &parts).await.expect(200);
    assert_eq!(
        alice.content(&uploading).await.expect(200).body,
        files[1].bytes
    );
    alice.delete(session_path(&id)).await.expect(204);
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn an_object_whose_session_ended_meanwhile_is_removed() {
    let app = TestApp::on_disk(|_| {}).await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let parts = alice.put_parts(&remote, &file).await;
    let upload = alice.session(&id).await;
    assert_eq!(upload["files"][0]["status"], "uploading");

    // Completed in the store, never recorded, and the session is cancelled while nothing can be
    // freed.
    app.session_faults.fail("complete_file", Fault::Unavailable);
    let refused = alice.complete_call(&remote, &parts).await;
    refused.refused(503, "DATABASE_UNAVAILABLE");
    app.session_faults.clear();
    app.object_faults.fail("delete_object", Fault::Unavailable);
    alice.delete(session_path(&id)).await.expect(204);
    app.object_faults.clear();
    assert_ne!(app.stored_files(), NO_FILES);
    app.uploads.sweep_leftovers().await.unwrap();
    assert_eq!(app.stored_files(), NO_FILES);
}

/// It may have begun when the upload was half removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_sent_again_while_its_session_is_cancelled_leaves_nothing() {
    const PART_SIZE: usize = 512 * 1024;
    let options = TestApp::on_disk(|options| options.settings.part_size_bytes = PART_SIZE as u64);
    let app = Arc::new(options.await);
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", PART_SIZE);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    alice.put_parts(&remote, &file).await;
    let stored = app.stored_files();
    let data = app.folder().join("objects").join(&stored[0]);

    let (first, rest) = (
        file.bytes.slice(..PART_SIZE - 1),
        file.bytes.slice(PART_SIZE - 1..),
    );
    let cancel = alice.delete(session_path(&id));
    let meanwhile = {
        let app = Arc::clone(&app);
        async move {
            while app.stored_files().len() == stored.len() {
                tokio::task::yield_now().await;
            }
            cancel.await.expect(204);
            std::fs::File::create(data).unwrap();
            Ok(rest)
        }
    };
    let body = stream::iter([Ok::<Bytes, _>(first)]).chain(stream::once(meanwhile));
    let put = alice.put(format!("{}/parts/1", remote.path));
    let put = put
        .stream(body)
        .header("content-length", PART_SIZE.to_string());
    put.await.refused(400, "SESSION_NOT_ACTIVE");
    assert_eq!(app.stored_files(), NO_FILES);
}
