//! Bodies of parts: their digests, and how fast they come (CONTRACT section 1.4).

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use moc_uploads_testkit::app::TestApp;
use ring::digest::{SHA256, SHA512, digest};
use serde_json::json;

use crate::upload_part::{completed_bytes, listed, three_parts};

#[tokio::test]
async fn digests_are_verified() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let part = file.part(1, 1024);
    let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let sha256 = base64(digest(&SHA256, &part).as_ref());
    let sha512 = base64(digest(&SHA512, &part).as_ref());
    let md5 = base64(&MD5_OF_PART_1);
    let put = |name: &str, value: &str| {
        let put = alice.put_part(&remote, 1, part.clone());
        put.header(name, value)
    };
    for (name, right) in [
        ("content-md5", md5.clone()),
        ("x-amz-checksum-sha256", sha256.clone()),
        ("content-digest", format!("sha-256=:{sha256}:")),
        ("content-digest", format!("sha-512=:{sha512}:")),
        (
            "content-digest",
            format!("sha-512=:{sha512}:, sha-256=:{sha256}:"),
        ),
        // RFC 9530: algorithms that are not known are ignored.
        (
            "content-digest",
            format!("unixsum=:AAA=:, sha-256=:{sha256}:"),
        ),
    ] {
        put(name, &right).await.expect(200);
    }
    let zeros = |len: usize| base64(&vec![0; len]);
    for (name, wrong) in [
        ("content-md5", zeros(16)),
        ("x-amz-checksum-sha256", zeros(32)),
        ("content-digest", format!("sha-256=:{}:", zeros(32))),
        ("content-digest", format!("sha-512=:{}:", zeros(64))),
        (
            "content-digest",
            format!("sha-256=:{sha256}:, sha-512=:{}:", zeros(64)),
        ),
    ] {
        put(name, &wrong).await.refused(400, "CHECKSUM_MISMATCH");
    }
    let both = put("content-md5", &md5).header("x-amz-checksum-sha256", zeros(32));
    both.await.refused(400, "CHECKSUM_MISMATCH");
}

/// By md5sum, of the first 1024 bytes of `LocalFile::pdf("a", 2500)`.
const MD5_OF_PART_1: [u8; 16] = [
    0xfa, 0xb4, 0x96, 0x9c, 0x27, 0x4c, 0x2f, 0x5b, 0x04, 0xee, 0xa2, 0xdd, 0x4d, 0xf6, 0x40, 0xb1,
];

#[tokio::test]
async fn digests_that_are_none_are_refused() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    for (name, value) in [
        ("content-md5", "not base64!"),
        ("content-md5", "AAAA"),
        ("x-amz-checksum-sha256", "AAAA"),
        ("content-digest", "sha-256=:AAAA:"),
        ("content-digest", "sha-256"),
    ] {
        let put = alice
            .put_part(&remote, 1, file.part(1, 1024))
            .header(name, value);
        let refused = put.await;
        let (code, _) = refused.problem();
        let expected = ["CHECKSUM_MISMATCH", "BAD_REQUEST", "VALIDATION_ERROR"];
        assert!(
            expected.contains(&code.as_str()),
            "{name}: {value}: {refused:?}"
        );
    }
    assert_eq!(listed(&alice, &remote).await, json!([]));
}

#[tokio::test]
async fn a_body_that_stops_gets_408() {
    let app = TestApp::with(|options| {
        options.api.body_idle_timeout = Duration::from_millis(50);
    });
    let app = app.await;
    let (alice, file, remote) = three_parts(&app).await;
    alice.put_parts(&remote, &file).await;
    let before = listed(&alice, &remote).await;
    let put = || alice.put(format!("{}/parts/1", remote.path));
    let stuck = stream::iter([Ok(Bytes::from(vec![b'x'; 1000]))]).chain(stream::pending());
    let announced = put().stream(stuck).header("content-length", "1024").await;
    let silent = put().chunked(stream::pending()).await;
    announced.refused(408, "REQUEST_TIMEOUT");
    silent.refused(408, "REQUEST_TIMEOUT");
    assert_eq!(listed(&alice, &remote).await, before);
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

mod once {
    //! On the stores that need no connections: these time out where Tokio's time is stopped.
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_slow_but_never_stops_is_taken() {
        let app = TestApp::embedded().await;
        let (alice, file, remote) = three_parts(&app).await;
        let put = alice.put(format!("{}/parts/1", remote.path));
        let chunks: Vec<_> = file
            .part(1, 1024)
            .chunks(100)
            .map(Bytes::copy_from_slice)
            .collect();
        let slow = stream::iter(chunks).then(async |chunk| {
            // Each within the 30 seconds that are allowed, all of them not.
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(chunk)
        });
        tokio::time::pause();
        let put = put
            .stream(slow.boxed())
            .header("content-length", "1024")
            .await;
        tokio::time::resume();
        put.expect(200);
    }
}
