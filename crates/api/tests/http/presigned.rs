//! Presigned part URLs (CONTRACT section 1.3).

use bytes::Bytes;
use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{
    Caller, LocalFile, PUBLIC_BASE_URL, RemoteFile, TestApp, session_path,
};
use serde_json::{Value, json};

use crate::{MINUTE, instant, members};

pub(crate) fn file() -> LocalFile {
    LocalFile::pdf("a", 2500)
}

/// A session of alice with a registered file, and its presigned URLs.
pub(crate) async fn presigned(
    app: &TestApp,
    file: &LocalFile,
) -> (Caller, String, RemoteFile, Vec<Value>) {
    let alice = app.user("alice");
    let id = alice.create_session(std::slice::from_ref(file)).await;
    let request = file
        .clone()
        .with("partCount", file.bytes.len().div_ceil(1024));
    let registered = alice.register_call(&id, &request).await.expect(201).json();
    let urls = registered["presignedUrls"].as_array().unwrap().clone();
    (alice, id.clone(), RemoteFile::new(&id, &registered), urls)
}

/// As a client that knows nothing but the entry would send it; what it is answered.
pub(crate) async fn put(app: &TestApp, entry: &Value, bytes: Bytes) -> (u16, Option<String>) {
    put_url(app, entry["url"].as_str().unwrap(), entry, bytes).await
}

/// To this URL instead: to this server, or to a bucket.
async fn put_url(app: &TestApp, url: &str, entry: &Value, bytes: Bytes) -> (u16, Option<String>) {
    let headers = entry["headers"].as_object().unwrap().iter();
    let headers = headers.map(|(name, value)| (name, value.as_str().unwrap()));
    let (status, headers) = match url.strip_prefix(PUBLIC_BASE_URL) {
        Some(path) => {
            let call = app
                .anonymous()
                .put(path)
                .bytes(bytes)
                .without("content-type");
            let response = headers.fold(call, |call, (name, value)| call.header(name, value));
            let response = response.await;
            (response.status, response.headers)
        }
        None => {
            // Installed before, by another test: as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let put = reqwest::Client::new().put(url).body(bytes);
            let put = headers.fold(put, |put, (name, value)| put.header(name, value));
            let response = put.send().await.unwrap();
            (response.status(), response.headers().clone())
        }
    };
    let etag = headers
        .get("etag")
        .map(|etag| etag.to_str().unwrap().to_owned());
    (status.as_u16(), etag)
}

#[tokio::test]
async fn there_is_one_for_each_part() {
    let app = TestApp::new().await;
    let (_, _, _, urls) = presigned(&app, &file()).await;
    assert_eq!(urls.len(), 3);
    let place = match app.bucket() {
        None => PUBLIC_BASE_URL.to_owned(),
        Some(bucket) => format!("{}/{}/", bucket.endpoint(), bucket.name()),
    };
    for (entry, part_number) in urls.iter().zip(1..) {
        assert_eq!(
            members(entry),
            ["expiresAt", "headers", "partNumber", "url"]
        );
        assert_eq!(entry["partNumber"], part_number);
        assert_eq!(instant(&entry["expiresAt"]), app.clock.now() + 15 * MINUTE);
        assert!(entry["headers"].is_object());
        assert!(entry["url"].as_str().unwrap().starts_with(&place));
    }
}

#[tokio::test]
async fn they_are_only_given_on_demand() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let id = alice.create_session(&[file()]).await;
    let registered = alice.register_call(&id, &file()).await.expect(201).json();
    assert!(registered.get("presignedUrls").is_none());
}

#[tokio::test]
async fn they_work_without_a_token() {
    let app = TestApp::new().await;
    let (alice, _, remote, urls) = presigned(&app, &file()).await;
    let mut parts = Vec::new();
    for (entry, part_number) in urls.iter().zip(1..) {
        let (status, etag) = put(&app, entry, file().part(part_number, 1024)).await;
        assert_eq!(status, 200);
        parts.push(json!({ "partNumber": part_number, "etag": etag.unwrap() }));
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
    let app = TestApp::new().await;
    let (_, _, remote, urls) = presigned(&app, &file()).await;
    let (_, _, other, _) = presigned(&app, &file()).await;
    let url = urls[0]["url"].as_str().unwrap();
    let (first, second) = match app.bucket() {
        None => ("/parts/1", "/parts/2"),
        Some(_) => ("partNumber=1", "partNumber=2"),
    };
    let session = |remote: &RemoteFile| remote.path.split('/').nth(5).unwrap().to_owned();
    for altered in [
        url.replacen(first, second, 1),
        url.replace(&remote.file_id, &other.file_id),
        url.replace(&session(&remote), &session(&other)),
        url.replace(&session(&remote), &session(&other))
            .replace(&remote.file_id, &other.file_id),
    ] {
        assert_ne!(altered, url);
        let (status, _) = put_url(&app, &altered, &urls[0], file().part(1, 1024)).await;
        assert_eq!(status, 403, "{altered}");
    }
    assert_eq!(put(&app, &urls[0], file().part(1, 1024)).await.0, 200);
}

#[tokio::test]
async fn a_presigned_query_opens_no_other_route() {
    let app = TestApp::new().await;
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
