//! Sessions without a declaration: the rows of the seed document (CONTRACT sections 1.3 and 4).

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{Caller, LocalFile, SESSIONS, TestApp, create_body};
use serde_json::json;

use crate::{MINUTE, instant};

const DEV_USER: &str = "dev-user-00000000-0000-0000-0000-000000000001";
const ACTIVE: &str = "99999999-9999-9999-9999-999999999999";
const COMPLETED: &str = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa";

async fn seeded() -> (TestApp, Caller) {
    let app = TestApp::with(|options| options.is_seeded = true).await;
    let caller = app.user(DEV_USER);
    (app, caller)
}

#[tokio::test]
async fn they_can_be_read() {
    let (app, dev) = seeded().await;
    let listed = dev.get(SESSIONS).await.expect(200).json();
    assert_eq!(listed["pagination"]["total"], 2);
    let active = dev.session(ACTIVE).await;
    assert_eq!(active["status"], "active");
    assert_eq!(active["files"], json!([]));
    assert_eq!(instant(&active["expiresAt"]), app.clock.now() + 5 * MINUTE);
    let completed = dev.session(COMPLETED).await;
    assert_eq!(completed["status"], "completed");
    let file = &completed["files"][0];
    assert_eq!(file["key"], "test-duplicate.pdf");
    assert_eq!(file["size"], 5_000_000);
    assert_eq!(file["status"], "completed");
    assert_eq!(file["fileUrl"], "s3://bucket/test-duplicate.pdf");
}

#[tokio::test]
async fn a_file_that_was_put_in_by_hand_is_a_duplicate() {
    let (_app, dev) = seeded().await;
    let file = LocalFile::pdf("again.pdf", 0).with("size", 5_000_000).with(
        "hash",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    let mut body = create_body(&[file]);
    let refused = dev.post(SESSIONS).json(&body).await;
    let problem = refused.refused(409, "DUPLICATE_FILE");
    assert_eq!(
        problem["duplicates"],
        json!([{ "key": "again.pdf", "existingUrl": "s3://bucket/test-duplicate.pdf" }])
    );
    body["allowDuplicates"] = json!(true);
    dev.post(SESSIONS).json(&body).await.expect(201);
}

#[tokio::test]
async fn a_session_without_a_declaration_takes_what_the_policy_allows() {
    let (app, dev) = seeded().await;
    let html = LocalFile::image("x", 10).with("type", "text/html");
    dev.register_call(ACTIVE, &html)
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let large = LocalFile::csv("x", 10).with("size", 5 * 1024 * 1024 + 1);
    dev.register_call(ACTIVE, &large)
        .await
        .refused(413, "FILE_TOO_LARGE");

    let registered = dev
        .register_call(ACTIVE, &LocalFile::pdf("a", 10))
        .await
        .expect(201);
    let json = registered.json();
    assert_eq!(json["sessionExtended"], true);
    assert_eq!(
        instant(&json["newExpiresAt"]),
        app.clock.now() + 30 * MINUTE
    );
    dev.register_call(ACTIVE, &LocalFile::pdf("a", 10))
        .await
        .refused(409, "CONFLICT");
    dev.upload(ACTIVE, &LocalFile::image("b", 2500)).await;
}

#[tokio::test]
async fn a_session_without_a_declaration_can_be_finalized() {
    let (_app, dev) = seeded().await;
    let file = LocalFile::pdf("a", 2500);
    let remote = dev.upload(ACTIVE, &file).await;
    assert_eq!(dev.content(&remote).await.expect(200).body, file.bytes);
    dev.finalize_call(ACTIVE, "Castle").await.expect(201);
}

#[tokio::test]
async fn a_file_without_an_object_has_no_content() {
    let (_app, dev) = seeded().await;
    let path = format!("{SESSIONS}/{COMPLETED}/files/22222222-2222-2222-2222-222222222222");
    dev.get(format!("{path}/content"))
        .await
        .refused(404, "NOT_FOUND");
    let parts = dev.get(format!("{path}/parts")).await.expect(200).json();
    assert_eq!(parts, json!({ "parts": [] }));
    let put = dev.put(format!("{path}/parts/1")).bytes("x").await;
    put.refused(409, "CONFLICT");
}
