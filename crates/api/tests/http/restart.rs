//! What was acknowledged outlives the process (DESIGN section 7).

use std::io;

use bytes::Bytes;
use futures_util::stream;
use moc_uploads_testkit::app::{LocalFile, RemoteFile, SESSIONS, TestApp, create_body};
use serde_json::json;

use crate::presigned;

fn file() -> LocalFile {
    LocalFile::pdf("a", 2500)
}

/// An app that was started anew after two of three parts had arrived.
async fn restarted() -> (TestApp, RemoteFile) {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let id = alice.create_session(&[file()]).await;
    let remote = alice.register(&id, &file()).await;
    for part_number in [1, 2] {
        let part = file().part(part_number, 1024);
        alice.put_part(&remote, part_number, part).await.expect(200);
    }
    drop(alice);
    let app = app.restart().await;
    app.uploads.sweep_leftovers().await.unwrap();
    (app, remote)
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was() {
    let (app, remote) = restarted().await;
    let alice = app.user("alice");
    let list = || alice.get(format!("{}/parts", remote.path));
    let listed = list().await.expect(200).json();
    let numbers: Vec<_> = listed["parts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["partNumber"])
        .collect();
    assert_eq!(json!(numbers), json!([1, 2]));
    alice
        .put_part(&remote, 3, file().part(3, 1024))
        .await
        .expect(200);
    let parts = list().await.expect(200).json();
    alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file().bytes);
}

#[tokio::test]
async fn a_resend_that_breaks_off_leaves_the_part_from_before() {
    // Large enough that bytes are written long before the end is there.
    const LARGE: usize = 2 * 1024 * 1024;
    let app = TestApp::with(|options| options.settings.part_size_bytes = LARGE as u64).await;
    let bytes: Vec<u8> = (0..2 * LARGE + 1000)
        .map(|n| (n ^ (n >> 9)) as u8)
        .collect();
    let file = LocalFile::pdf("a", 0).holding(bytes);
    let alice = app.user("alice");
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let parts = alice.put_parts(&remote, &file).await;
    break_off(&app, &remote, LARGE).await;
    drop(alice);

    let app = app.restart().await;
    app.uploads.sweep_leftovers().await.unwrap();
    break_off(&app, &remote, LARGE).await;
    let alice = app.user("alice");
    alice.complete_call(&remote, &parts).await.expect(200);
    assert!(
        alice.content(&remote).await.expect(200).body == file.bytes,
        "other bytes"
    );
}

/// Sends most of each part again, other bytes than before, and breaks off.
async fn break_off(app: &TestApp, remote: &RemoteFile, part_size: usize) {
    for (part_number, size) in [(1, part_size), (2, part_size), (3, 1000)] {
        let chunk = || Ok(Bytes::from(vec![b'x'; size / 4]));
        let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
        let broken = stream::iter([chunk(), chunk(), chunk(), broken]);
        let put = app
            .user("alice")
            .put(format!("{}/parts/{part_number}", remote.path));
        put.chunked(broken).await.refused(400, "BAD_REQUEST");
    }
}

#[tokio::test]
async fn urls_and_idempotency_keys_stay_good() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let body = create_body(&[file()]);
    let created = alice
        .post(SESSIONS)
        .json(&body)
        .header("idempotency-key", "k");
    let created = created.await.expect(201).json();
    let id = created["sessionId"].as_str().unwrap();
    let request = file().with("partCount", 3);
    let registered = alice.register_call(id, &request).await.expect(201).json();
    drop(alice);

    let app = app.restart().await;
    let entry = &registered["presignedUrls"][0];
    let (status, _) = presigned::put(&app, entry, file().part(1, 1024)).await;
    assert_eq!(status, 200);
    let again = app
        .user("alice")
        .post(SESSIONS)
        .json(&body)
        .header("idempotency-key", "k");
    assert_eq!(again.await.expect(201).json(), created);
}

#[tokio::test]
async fn completed_files_and_mocs_are_there() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, remotes) = alice.upload_all(&[file()]).await;
    let moc = alice.finalize_call(&id, "Castle").await.expect(201).json();
    drop(alice);
    let app = app.restart().await;
    app.uploads.sweep_leftovers().await.unwrap();
    let alice = app.user("alice");
    assert_eq!(alice.session(&id).await["moc"]["id"], moc["id"]);
    assert_eq!(
        alice.content(&remotes[0]).await.expect(200).body,
        file().bytes
    );
}
