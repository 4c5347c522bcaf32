//! `POST /sessions/{sessionId}/files/batch` (CONTRACT section 1.3).

use std::future::IntoFuture;

use moc_uploads_testkit::app::{Call, Caller, LocalFile, RemoteFile, SESSIONS, TestApp};
use serde_json::{Value, json};

use crate::{MINUTE, NOBODY, members};

fn batch(caller: &Caller, session_id: &str, files: &[LocalFile]) -> Call {
    let files: Vec<&Value> = files.iter().map(|file| &file.metadata).collect();
    caller
        .post(format!("{SESSIONS}/{session_id}/files/batch"))
        .json(&json!({ "files": files }))
}

fn files() -> [LocalFile; 3] {
    [
        LocalFile::pdf("a", 2500),
        LocalFile::image("b", 10),
        LocalFile::csv("c", 1025),
    ]
}

#[tokio::test]
async fn registers_all_in_order() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = files();
    let id = alice.create_session(&files).await;
    let registered = batch(&alice, &id, &files).await.expect(200).json();
    assert_eq!(members(&registered), ["results"]);
    let results = registered["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for ((result, key), part_count) in results.iter().zip(["a", "b", "c"]).zip([3, 1, 2]) {
        assert_eq!(
            members(result),
            ["fileId", "key", "partCount", "partSizeBytes", "uploadId"]
        );
        assert_eq!(result["key"], key);
        assert_eq!(result["partCount"], part_count);
    }
    // Each can be used like one that was registered by itself.
    for (result, file) in results.iter().zip(&files) {
        let remote = RemoteFile::new(&id, result);
        let parts = alice.put_parts(&remote, file).await;
        alice.complete_call(&remote, &parts).await.expect(200);
    }
}

/// Each is a request to a bucket, which may take its time.
#[tokio::test]
async fn uploads_are_opened_at_once() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = files();
    let id = alice.create_session(&files).await;
    let gate = app.object_faults.hold("create_upload");
    let registering = tokio::spawn(batch(&alice, &id, &files).into_future());
    gate.arrived(3).await;
    gate.open();
    let registered = registering.await.unwrap().expect(200).json();
    let keys: Vec<_> = registered["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| &result["key"])
        .collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_file_that_is_refused_does_not_undo_the_others() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let [a, b, c] = files();
    let id = alice
        .create_session(&[a.clone(), b.clone(), c.clone()])
        .await;
    let requests = [
        a.clone(),
        a.clone(),
        b.clone().with("size", 11),
        b.with("partCount", 7),
        LocalFile::pdf("not declared", 10),
        LocalFile::pdf("not valid", 10).with("ext", ""),
        c.clone().with("partCount", 2),
    ];
    let response = batch(&alice, &id, &requests).await.expect(200).json();
    let results = response["results"].as_array().unwrap();
    let codes: Vec<&Value> = results
        .iter()
        .map(|result| &result["error"]["code"])
        .collect();
    assert_eq!(
        json!(codes),
        json!([
            null,
            "CONFLICT",
            "BAD_REQUEST",
            "PART_COUNT_MISMATCH",
            "BAD_REQUEST",
            "VALIDATION_ERROR",
            null
        ])
    );
    for (result, request) in results.iter().zip(&requests) {
        assert_eq!(result["key"], request.metadata["name"]);
        if let Some(error) = result.get("error") {
            assert_eq!(members(result), ["error", "key"]);
            assert!(!error["message"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(results[6]["presignedUrls"].as_array().unwrap().len(), 2);
    let session = alice.session(&id).await;
    let keys: Vec<&Value> = session["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["key"])
        .collect();
    assert_eq!(json!(keys), json!(["a", "c"]));
}

#[tokio::test]
async fn a_batch_is_bounded() {
    let app = TestApp::with(|options| options.settings.max_batch_size = 2).await;
    let alice = app.user("alice");
    let files = files();
    let id = alice.create_session(&files).await;
    let refused = batch(&alice, &id, &files).await;
    assert_eq!(refused.invalid_pointers(), ["/files"]);
    assert_eq!(alice.session(&id).await["files"], json!([]));
    batch(&alice, &id, &files[..2]).await.expect(200);
}

#[tokio::test]
async fn ten_files_fit_by_default() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files: Vec<_> = (0..11)
        .map(|n| LocalFile::pdf(&n.to_string(), 10))
        .collect();
    let id = alice.create_session(&files).await;
    batch(&alice, &id, &files)
        .await
        .refused(422, "VALIDATION_ERROR");
    let response = batch(&alice, &id, &files[..10]).await.expect(200).json();
    let results = response["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["fileId"].is_string()));
}

#[tokio::test]
async fn broken_bodies_are_refused_as_a_whole() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let id = alice.create_session(&files()).await;
    let post = || alice.post(format!("{SESSIONS}/{id}/files/batch"));
    post().await.refused(400, "BAD_REQUEST");
    for body in [
        json!({}),
        json!({ "files": {} }),
        json!([]),
        json!({ "files": [] }),
    ] {
        post().json(&body).await.refused(422, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn a_session_that_takes_nothing_refuses_the_whole() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = files();
    let id = alice.create_session(&files).await;
    batch(&app.user("bob"), &id, &files)
        .await
        .refused(404, "NOT_FOUND");
    batch(&alice, NOBODY, &files)
        .await
        .refused(404, "NOT_FOUND");
    batch(&alice, "nonsense", &files)
        .await
        .refused(404, "NOT_FOUND");
    app.clock.advance(15 * MINUTE);
    batch(&alice, &id, &files)
        .await
        .refused(410, "SESSION_EXPIRED");
}
