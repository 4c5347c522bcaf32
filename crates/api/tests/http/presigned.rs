//! Presigned part URLs (CONTRACT section 1.3).

use std::time::Duration;

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{
    Call, Caller, LocalFile, PUBLIC_BASE_URL, RemoteFile, TestApp, session_path,
};
use serde_json::{Value, json};

use crate::{MINUTE, instant, members};

fn file() -> LocalFile {
    LocalFile::pdf("a", 2500)
}

/// A session of alice with a registered file, and its presigned URLs.
async fn presigned(app: &TestApp, file: &LocalFile) -> (Caller, String, RemoteFile, Vec<Value>) {
    let alice = app.user("alice");
    let id = alice.create_session(std::slice::from_ref(file)).await;
    let request = file
        .clone()
        .with("partCount", file.bytes.len().div_ceil(1024));
    let registered = alice.register_call(&id, &request).await.expect(201).json();
    let urls = registered["presignedUrls"].as_array().unwrap().clone();
    (alice, id.clone(), RemoteFile::new(&id, &registered), urls)
}

/// As a client that knows nothing but the entry would send it.
fn put(app: &TestApp, entry: &Value, bytes: impl Into<bytes::Bytes>) -> Call {
    put_url(app, entry["url"].as_str().unwrap(), entry, bytes)
}

fn put_url(app: &TestApp, url: &str, entry: &Value, bytes: impl Into<bytes::Bytes>) -> Call {
    let path = url.strip_prefix(PUBLIC_BASE_URL).unwrap();
    let mut call = app
        .anonymous()
        .put(path)
        .bytes(bytes)
        .without("content-type");
    for (name, value) in entry["headers"].as_object().unwrap() {
        call = call.header(name, value.as_str().unwrap());
    }
    call
}

#[tokio::test]
async fn there_is_one_for_each_part() {
    let app = TestApp::on_disk(|_| {}).await;
    let (_, _, _, urls) = presigned(&app, &file()).await;
    assert_eq!(urls.len(), 3);
    for (entry, part_number) in urls.iter().zip(1..) {
        assert_eq!(
            members(entry),
            ["expiresAt", "headers", "partNumber", "url"]
        );
        assert_eq!(entry["partNumber"], part_number);
        assert_eq!(instant(&entry["expiresAt"]), app.clock.now() + 15 * MINUTE);
        assert!(entry["headers"].is_object());
        assert!(entry["url"].as_str().unwrap().starts_with(PUBLIC_BASE_URL));
    }
}

#[tokio::test]
async fn they_are_only_given_on_demand() {
    let app = TestApp::on_disk(|_| {}).await;
    let alice = app.user("alice");
    let id = alice.create_session(&[file()]).await;
    let registered = alice.register_call(&id, &file()).await.expect(201).json();
    assert!(registered.get("presignedUrls").is_none());
}

#[tokio::test]
async fn they_work_without_a_token() {
    let app = TestApp::on_disk(|_| {}).await;
    let (alice, _, remote, urls) = presigned(&app, &file()).await;
    let mut parts = Vec::new();
    for (entry, part_number) in urls.iter().zip(1..) {
        let put = put(&app, entry, file().part(part_number, 1024))
            .await
            .expect(200);
        parts.push(json!({ "partNumber": part_number, "etag": put.header("etag") }));
    }
    let listed = alice.get(format!("{}/parts", remote.path)).await.json();
    assert_eq!(listed["parts"].as_array().unwrap().len(), 3);
    alice
        .complete_call(&remote, &json!({ "parts": parts }))
        .await
        .expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file().bytes);
}

#[tokio::test]
async fn they_are_good_for_their_part_alone() {
    let app = TestApp::on_disk(|_| {}).await;
    let (_, _, remote, urls) = presigned(&app, &file()).await;
    let (_, _, other, _) = presigned(&app, &file()).await;
    let url = urls[0]["url"].as_str().unwrap();
    let session = |remote: &RemoteFile| remote.path.split('/').nth(5).unwrap().to_owned();
    for altered in [
        url.replacen("/parts/1", "/parts/2", 1),
        url.replace(&remote.file_id, &other.file_id),
        url.replace(&session(&remote), &session(&other)),
        url.replace(&remote.path, &other.path),
    ] {
        assert_ne!(altered, url);
        let refused = put_url(&app, &altered, &urls[0], file().part(1, 1024)).await;
        refused.refused(403, "FORBIDDEN");
    }
    put(&app, &urls[0], file().part(1, 1024)).await.expect(200);
}

#[tokio::test]
async fn every_altered_query_is_refused() {
    let app = TestApp::on_disk(|_| {}).await;
    let (alice, _, remote, urls) = presigned(&app, &file()).await;
    let url = urls[0]["url"].as_str().unwrap();
    let (path, query) = url.split_once('?').unwrap();
    // One character at a time: whatever it is part of, expiry or signature, it counts.
    for (index, found) in query
        .char_indices()
        .filter(|(_, c)| c.is_ascii_alphanumeric())
    {
        let other = if found == '1' { '2' } else { '1' };
        let mut altered = query.to_owned();
        altered.replace_range(index..=index, &other.to_string());
        let url = format!("{path}?{altered}");
        let response = put_url(&app, &url, &urls[0], file().part(1, 1024)).await;
        // A name of which a letter is wrong is no presigned request any more.
        let (code, _) = response.problem();
        assert!(
            ["FORBIDDEN", "UNAUTHORIZED"].contains(&code.as_str()),
            "{response:?}"
        );
        if query[..index].contains("ignature=") {
            response.refused(403, "FORBIDDEN");
        }
    }
    let listed = alice.get(format!("{}/parts", remote.path)).await.json();
    assert_eq!(listed["parts"], json!([]));
}

#[tokio::test]
async fn a_presigned_query_opens_no_other_route() {
    let app = TestApp::on_disk(|_| {}).await;
    let (_, id, remote, urls) = presigned(&app, &file()).await;
    let query = urls[0]["url"].as_str().unwrap().split_once('?').unwrap().1;
    for path in [
        session_path(&id),
        format!("{}/parts", remote.path),
        format!("{}/content", remote.path),
        moc_uploads_testkit::app::SESSIONS.to_owned(),
    ] {
        let refused = app.anonymous().get(format!("{path}?{query}")).await;
        refused.refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn they_expire() {
    let app = TestApp::on_disk(|options| options.settings.presigned_url_ttl = 2 * MINUTE).await;
    let (_, _, _, urls) = presigned(&app, &file()).await;
    assert_eq!(instant(&urls[0]["expiresAt"]), app.clock.now() + 2 * MINUTE);
    app.clock.advance(2 * MINUTE - Duration::from_millis(1));
    put(&app, &urls[0], file().part(1, 1024)).await.expect(200);
    app.clock.advance(Duration::from_millis(2));
    put(&app, &urls[1], file().part(2, 1024))
        .await
        .refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn the_parts_are_checked_like_any_other() {
    let app = TestApp::on_disk(|_| {}).await;
    let (alice, _, remote, urls) = presigned(&app, &file()).await;
    let short = put(&app, &urls[0], file().part(3, 1024)).await;
    let problem = short.refused(400, "PART_SIZE_MISMATCH");
    assert_eq!(problem["expectedSize"], 1024);
    for (entry, part_number) in urls.iter().zip(1..) {
        put(&app, entry, file().part(part_number, 1024))
            .await
            .expect(200);
    }
    let listed = alice.get(format!("{}/parts", remote.path)).await.json();
    alice.complete_call(&remote, &listed).await.expect(200);
    put(&app, &urls[0], file().part(1, 1024))
        .await
        .refused(409, "CONFLICT");
}

#[tokio::test]
async fn they_end_with_their_session() {
    let app = TestApp::on_disk(|options| {
        options.settings.session_ttl = 5 * MINUTE;
        options.settings.extension.max_lifetime = 5 * MINUTE;
    })
    .await;
    let (alice, id, _, urls) = presigned(&app, &file()).await;
    alice.delete(session_path(&id)).await.expect(204);
    put(&app, &urls[0], file().part(1, 1024))
        .await
        .refused(400, "SESSION_NOT_ACTIVE");
    let (_, _, _, urls) = presigned(&app, &file()).await;
    app.clock.advance(5 * MINUTE);
    put(&app, &urls[0], file().part(1, 1024))
        .await
        .refused(410, "SESSION_EXPIRED");
}

#[tokio::test]
async fn a_part_that_came_this_way_is_activity() {
    let app = TestApp::on_disk(|_| {}).await;
    let (_, _, _, urls) = presigned(&app, &file()).await;
    app.clock.advance(6 * MINUTE);
    let put = put(&app, &urls[0], file().part(1, 1024)).await.expect(200);
    assert_eq!(put.json()["sessionExtended"], true);
}
