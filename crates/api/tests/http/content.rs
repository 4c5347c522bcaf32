//! `GET /sessions/{sessionId}/files/{fileId}/content` (CONTRACT sections 1 and 1.10).

use bytes::Bytes;
use moc_uploads_testkit::app::{Caller, LocalFile, RemoteFile, TestApp};

use crate::NOBODY;

/// A completed file of alice with 2500 bytes.
async fn completed(app: &TestApp) -> (Caller, RemoteFile, Bytes) {
    let alice = app.user("alice");
    let file = LocalFile::pdf("castle.pdf", 2500);
    let (_, mut remotes) = alice.upload_all(std::slice::from_ref(&file)).await;
    (alice, remotes.remove(0), file.bytes)
}

fn path(remote: &RemoteFile) -> String {
    format!("{}/content", remote.path)
}

#[tokio::test]
async fn gives_the_same_octets() {
    let app = TestApp::with(|options| options.settings.part_size_bytes = 16 * 1024).await;
    let alice = app.user("alice");
    let every_byte: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let mut binary = b"%PDF-1.7\n".to_vec();
    binary.extend(every_byte);
    let file = LocalFile::pdf("castle.pdf", 0).holding(binary);
    let (_, remotes) = alice.upload_all(std::slice::from_ref(&file)).await;
    let content = alice.content(&remotes[0]).await.expect(200);
    assert_eq!(content.body, file.bytes);
    assert_eq!(content.header("content-type"), "application/pdf");
    assert_eq!(
        content.header("content-length"),
        file.bytes.len().to_string()
    );
    assert_eq!(content.header("accept-ranges"), "bytes");
    assert!(content.header("etag").starts_with('"'));
    // What users upload is never run in the service's name.
    assert_eq!(content.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn head_tells_the_same_without_the_octets() {
    let app = TestApp::new().await;
    let (alice, remote, _) = completed(&app).await;
    let get = alice.get(path(&remote)).await.expect(200);
    let head = alice.head(path(&remote)).await.expect(200);
    assert!(head.body.is_empty());
    for name in [
        "content-type",
        "content-length",
        "etag",
        "accept-ranges",
        "content-disposition",
    ] {
        assert_eq!(head.header(name), get.header(name));
    }
}

#[tokio::test]
async fn ranges_give_what_they_ask_for() {
    let app = TestApp::new().await;
    let (alice, remote, bytes) = completed(&app).await;
    let etag = alice.get(path(&remote)).await.header("etag").to_owned();
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=1000-1049", 1000, 1050),
        ("bytes=1023-1024", 1023, 1025),
        ("bytes=2499-", 2499, 2500),
        ("bytes=100-", 100, 2500),
        ("bytes=-1", 2499, 2500),
        ("bytes=-500", 2000, 2500),
        ("bytes=-9999", 0, 2500),
        ("bytes=2000-9999", 2000, 2500),
        ("bytes=0-", 0, 2500),
    ] {
        let partial = alice
            .get(path(&remote))
            .header("range", range)
            .await
            .expect(206);
        assert_eq!(partial.body, bytes[from..to], "{range}");
        assert_eq!(
            partial.header("content-range"),
            format!("bytes {from}-{}/2500", to - 1)
        );
        assert_eq!(partial.header("content-length"), (to - from).to_string());
        assert_eq!(partial.header("etag"), etag);
        let head = alice.head(path(&remote)).header("range", range).await;
        // RFC 9110: Range is defined for GET alone; a server may ignore it for HEAD.
        assert!([200, 206].contains(&head.status.as_u16()), "{head:?}");
        assert!(head.body.is_empty());
    }
}

#[tokio::test]
async fn a_range_outside_the_file_is_416() {
    let app = TestApp::new().await;
    let (alice, remote, _) = completed(&app).await;
    for range in [
        "bytes=2500-",
        "bytes=2500-2600",
        "bytes=99999999999-",
        "bytes=-0",
    ] {
        let refused = alice.get(path(&remote)).header("range", range).await;
        refused.refused(416, "RANGE_NOT_SATISFIABLE");
        assert_eq!(refused.header("content-range"), "bytes */2500");
    }
}

#[tokio::test]
async fn ranges_that_are_none_are_ignored_or_refused() {
    let app = TestApp::new().await;
    let (alice, remote, bytes) = completed(&app).await;
    for range in [
        "bytes=5-1",
        "bytes=x-y",
        "bytes",
        "lines=1-2",
        "",
        "bytes=",
        "bytes=--1",
        "bytes=99999999999999999999999-",
        "bytes=0-1,",
        "\u{fffd}",
    ] {
        let response = alice.get(path(&remote)).header("range", range).await;
        match response.status.as_u16() {
            200 => assert_eq!(response.body, bytes, "{range}"),
            206 => assert_eq!(response.body, bytes[0..2], "{range}"),
            _ => drop(response.refused(416, "RANGE_NOT_SATISFIABLE")),
        }
    }
}

#[tokio::test]
async fn several_ranges_are_served_whole_or_as_multipart() {
    let app = TestApp::new().await;
    let (alice, remote, bytes) = completed(&app).await;
    let response = alice
        .get(path(&remote))
        .header("range", "bytes=0-1,5-6")
        .await;
    if response.status == 206 {
        assert!(
            response
                .header("content-type")
                .starts_with("multipart/byteranges")
        );
    } else {
        assert_eq!(response.expect(200).body, bytes);
    }
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let app = TestApp::new().await;
    let (alice, remote, bytes) = completed(&app).await;
    let etag = alice.get(path(&remote)).await.header("etag").to_owned();
    let get = |value: &str| alice.get(path(&remote)).header("if-none-match", value);
    for known in [
        etag.clone(),
        format!("W/{etag}"),
        format!("\"other\", {etag}"),
        format!("\"a,b\",{etag} , \"c\""),
        "*".to_owned(),
    ] {
        let response = get(&known).await.expect(304);
        assert!(response.body.is_empty());
        assert_eq!(response.header("etag"), etag);
    }
    for other in ["\"other\"".to_owned(), format!("\"x{}", &etag[1..])] {
        assert_eq!(get(&other).await.expect(200).body, bytes);
    }
    // If-None-Match comes before Range (RFC 9110, section 13.2.2).
    get(&etag).header("range", "bytes=0-1").await.expect(304);
}

#[tokio::test]
async fn if_range_gives_the_whole_when_the_file_is_another() {
    let app = TestApp::new().await;
    let (alice, remote, bytes) = completed(&app).await;
    let etag = alice.get(path(&remote)).await.header("etag").to_owned();
    let get = |value: &str| {
        let get = alice.get(path(&remote)).header("range", "bytes=1-2");
        get.header("if-range", value)
    };
    assert_eq!(get(&etag).await.expect(206).body, bytes[1..3]);
    for other in [
        "\"other\"".to_owned(),
        // A weak one never matches here.
        format!("W/{etag}"),
        "Wed, 21 Oct 2015 07:28:00 GMT".to_owned(),
    ] {
        assert_eq!(get(&other).await.expect(200).body, bytes);
    }
}

#[tokio::test]
async fn different_files_have_different_etags() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 2500), LocalFile::pdf("b", 2500)];
    let (_, remotes) = alice.upload_all(&files).await;
    let first = alice.content(&remotes[0]).await.expect(200);
    let second = alice.content(&remotes[1]).await.expect(200);
    assert_ne!(first.header("etag"), second.header("etag"));
}

#[tokio::test]
async fn any_name_comes_back_in_a_header_that_holds() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for (name, encoded) in [
        ("castle.pdf", "castle.pdf"),
        ("my \"best\" castle.pdf", "my%20%22best%22%20castle.pdf"),
        (
            "Schloß 城 🏰.pdf",
            "Schlo%C3%9F%20%E5%9F%8E%20%F0%9F%8F%B0.pdf",
        ),
        (
            "a\r\nSet-Cookie: x=1\r\n.pdf",
            "a%0D%0ASet-Cookie%3A%20x%3D1%0D%0A.pdf",
        ),
        (
            "back\\slash;semi%20'.pdf",
            "back%5Cslash%3Bsemi%2520%27.pdf",
        ),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
    ] {
        let file = LocalFile::pdf("k", 20).with("name", name).with("key", "k");
        let created = alice
            .post(moc_uploads_testkit::app::SESSIONS)
            .json(&moc_uploads_testkit::app::create_body(
                std::slice::from_ref(&file),
            ))
            .await;
        // Control characters may be refused at the door.
        if name.contains('\n') && created.status == 422 {
            continue;
        }
        let created = created.expect(201).json();
        let session = created["sessionId"].as_str().unwrap();
        let remote = alice.upload(session, &file).await;
        let content = alice.content(&remote).await.expect(200);
        assert!(!content.has_header("set-cookie"));
        let disposition = content.header("content-disposition");
        let extended = disposition.split("filename*=").nth(1);
        match extended {
            // RFC 8187: what is not an attr-char is percent-encoded; dots and the like need not be.
            Some(value) => {
                let value = value.strip_prefix("UTF-8''").unwrap();
                let value = value.split(';').next().unwrap();
                assert_eq!(decode(value), decode(encoded), "{disposition}");
                assert!(value.bytes().all(is_attr_char), "{disposition}");
            }
            None => assert!(
                name.is_ascii() && disposition.contains(name),
                "{disposition}"
            ),
        }
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

fn is_attr_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~%".contains(&byte)
}

#[tokio::test]
async fn a_file_that_is_not_completed_is_409() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    alice.content(&remote).await.refused(409, "CONFLICT");
    alice.put_parts(&remote, &file).await;
    alice.content(&remote).await.refused(409, "CONFLICT");
}

#[tokio::test]
async fn only_the_owner_gets_it() {
    let app = TestApp::new().await;
    let (alice, remote, _) = completed(&app).await;
    for caller in [app.user("bob"), app.admin()] {
        caller.get(path(&remote)).await.refused(404, "NOT_FOUND");
    }
    app.anonymous()
        .get(path(&remote))
        .await
        .refused(401, "UNAUTHORIZED");
    for other in [NOBODY, "nonsense"] {
        let path = path(&remote).replace(&remote.file_id, other);
        alice.get(path).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_finalized_file_stays() {
    let app = TestApp::new().await;
    let (alice, remote, bytes) = completed(&app).await;
    let session = remote.path.split('/').nth(5).unwrap();
    alice.finalize_call(session, "Castle").await.expect(201);
    app.clock.advance(60 * crate::MINUTE);
    app.uploads.reap_sessions().await.unwrap();
    assert_eq!(alice.content(&remote).await.expect(200).body, bytes);
}
