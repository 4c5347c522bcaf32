//! URLs that this server has signed and answers itself. What holds for those of a bucket, too, is in
//! `presigned.rs`.

use std::time::Duration;

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{Call, PUBLIC_BASE_URL, TestApp, session_path};
use serde_json::{Value, json};

use crate::presigned::{file, presigned};
use crate::{MINUTE, instant};

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
