//! `PUT /sessions/{sessionId}/files/{fileId}/parts/{partNumber}` (CONTRACT section 1.4).

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use moc_uploads_testkit::app::{Call, Caller, LocalFile, RemoteFile, Response, TestApp};
use moc_uploads_testkit::faults::Fault;
use serde_json::{Value, json};

use crate::{MINUTE, NOBODY, count, members, together};

/// A session of alice with a registered file of three parts: 1024, 1024 and 452 bytes.
pub(crate) async fn three_parts(app: &TestApp) -> (Caller, LocalFile, RemoteFile) {
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    (alice, file, remote)
}

pub(crate) async fn listed(caller: &Caller, remote: &RemoteFile) -> Value {
    let listed = caller
        .get(format!("{}/parts", remote.path))
        .await
        .expect(200);
    listed.json()["parts"].clone()
}

/// Completes with what the server says has arrived, and gives the bytes that come back.
pub(crate) async fn completed_bytes(caller: &Caller, remote: &RemoteFile) -> Bytes {
    let parts = json!({ "parts": listed(caller, remote).await });
    caller.complete_call(remote, &parts).await.expect(200);
    caller.content(remote).await.expect(200).body
}

/// These bytes, then a connection that breaks.
fn breaking(bytes: Bytes) -> impl futures_util::Stream<Item = Result<Bytes, io::Error>> + Send {
    let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    stream::iter([Ok(bytes), broken])
}

/// With a body of this length that the client sends when it is asked to, which must not happen.
fn unasked(call: Call, length: u64) -> Call {
    call.stream(stream::poll_fn(|_| panic!("the body was read")))
        .header("content-length", length.to_string())
        .header("expect", "100-continue")
}

#[tokio::test]
async fn answers_with_number_and_etag() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    for part_number in 1..=3 {
        let part = file.part(part_number, 1024);
        let put = alice.put_part(&remote, part_number, part).await.expect(200);
        let json = put.json();
        assert_eq!(members(&json), ["etag", "partNumber"]);
        assert_eq!(json["partNumber"], part_number);
        let etag = json["etag"].as_str().unwrap();
        assert!(
            etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'),
            "{etag}"
        );
        assert_eq!(put.header("etag"), etag);
    }
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

#[tokio::test]
async fn numbers_that_the_file_has_not_are_refused_before_the_body() {
    let app = TestApp::new().await;
    let (alice, _, remote) = three_parts(&app).await;
    for number in [
        "0",
        "4",
        "10000",
        "10001",
        "-1",
        "1.5",
        "one",
        "4294967297",
        "99999999999999999999",
        "%31x",
    ] {
        let put = alice.put(format!("{}/parts/{number}", remote.path));
        let problem = unasked(put, 1024).await.refused(400, "INVALID_PART_NUMBER");
        assert_eq!(problem["validRange"], json!([1, 3]), "{number}");
    }
    assert_eq!(listed(&alice, &remote).await, json!([]));
}

#[tokio::test]
async fn a_wrong_size_is_refused_before_the_body() {
    let app = TestApp::new().await;
    let (alice, _, remote) = three_parts(&app).await;
    for (part_number, announced, expected) in [
        (1, 1023, 1024),
        (1, 1025, 1024),
        (2, 452, 1024),
        (3, 1024, 452),
        (1, 1 << 40, 1024),
    ] {
        let put = alice.put_part(&remote, part_number, Bytes::new());
        let problem = unasked(put, announced)
            .await
            .refused(400, "PART_SIZE_MISMATCH");
        assert_eq!(problem["expectedSize"], expected);
    }
    assert_eq!(listed(&alice, &remote).await, json!([]));
}

#[tokio::test]
async fn an_empty_body_is_refused() {
    let app = TestApp::new().await;
    let (alice, _, remote) = three_parts(&app).await;
    let empty = alice.put_part(&remote, 1, Bytes::new()).await;
    let problem = empty.refused(400, "PART_SIZE_MISMATCH");
    assert_eq!(problem["expectedSize"], 1024);
    let chunked = alice.put(format!("{}/parts/1", remote.path));
    let chunked = chunked.chunked(stream::empty()).await;
    chunked.refused(400, "PART_SIZE_MISMATCH");
}

#[tokio::test]
async fn without_a_length_it_must_be_chunked() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let put = || alice.put(format!("{}/parts/1", remote.path));
    put().await.refused(411, "LENGTH_REQUIRED");

    let chunks = file
        .part(1, 1024)
        .chunks(100)
        .map(Bytes::copy_from_slice)
        .map(Ok)
        .collect::<Vec<_>>();
    put().chunked(stream::iter(chunks)).await.expect(200);
    for (size, part_number) in [(1023, 1), (1025, 1), (4096, 1), (453, 3)] {
        let put = alice.put(format!("{}/parts/{part_number}", remote.path));
        let body = stream::iter([Ok(Bytes::from(vec![0; size]))]);
        put.chunked(body).await.refused(400, "PART_SIZE_MISMATCH");
    }
    alice
        .put_part(&remote, 2, file.part(2, 1024))
        .await
        .expect(200);
    alice
        .put_part(&remote, 3, file.part(3, 1024))
        .await
        .expect(200);
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

#[tokio::test]
async fn a_chunked_body_is_read_no_further_than_the_part_goes() {
    let app = TestApp::new().await;
    let (alice, _, remote) = three_parts(&app).await;
    let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 512])));
    let put = alice.put(format!("{}/parts/1", remote.path));
    put.chunked(endless)
        .await
        .refused(400, "PART_SIZE_MISMATCH");
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_earlier_one() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let wrong = Bytes::from(vec![b'x'; 1024]);
    let first = alice.put_part(&remote, 2, wrong).await.expect(200).json();
    let parts = alice.put_parts(&remote, &file).await;
    assert_ne!(parts["parts"][1]["etag"], first["etag"]);

    let mut stale = parts.clone();
    stale["parts"][1]["etag"] = first["etag"].clone();
    alice
        .complete_call(&remote, &stale)
        .await
        .refused(400, "INVALID_PART");
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

#[tokio::test]
async fn a_resend_that_fails_leaves_the_earlier_part() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    alice.put_parts(&remote, &file).await;
    let before = listed(&alice, &remote).await;
    let put = |part_number| alice.put(format!("{}/parts/{part_number}", remote.path));
    let garbage = || Bytes::from(vec![b'x'; 1000]);

    for part_number in [1, 2] {
        let broken = put(part_number).stream(breaking(garbage()));
        broken
            .header("content-length", "1024")
            .await
            .refused(400, "BAD_REQUEST");
        put(part_number)
            .chunked(breaking(garbage()))
            .await
            .refused(400, "BAD_REQUEST");
        // Whole, but shorter or longer than the part.
        let short = put(part_number).chunked(stream::iter([Ok(garbage())]));
        short.await.refused(400, "PART_SIZE_MISMATCH");
        let long = put(part_number).chunked(stream::iter([Ok(garbage()), Ok(garbage())]));
        long.await.refused(400, "PART_SIZE_MISMATCH");
        let wrong = alice.put_part(&remote, part_number, vec![b'x'; 1024]);
        let wrong = wrong.header("content-md5", BASE64_STANDARD.encode([0; 16]));
        wrong.await.refused(400, "CHECKSUM_MISMATCH");
    }
    if app.bucket().is_none() {
        // A bucket has replaced it by then: what becomes of that is in `on_s3`.
        app.session_faults.fail("record_part", Fault::Unavailable);
        let unrecorded = alice.put_part(&remote, 1, vec![b'x'; 1024]).await;
        unrecorded.refused(503, "DATABASE_UNAVAILABLE");
        app.session_faults.clear();
    }

    assert_eq!(listed(&alice, &remote).await, before);
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

#[tokio::test]
async fn a_first_send_that_fails_leaves_nothing() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let put = alice.put(format!("{}/parts/1", remote.path));
    let broken = put.stream(breaking(file.part(1, 500)));
    broken
        .header("content-length", "1024")
        .await
        .refused(400, "BAD_REQUEST");
    assert_eq!(listed(&alice, &remote).await, json!([]));
    alice.put_parts(&remote, &file).await;
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

#[tokio::test]
async fn a_completed_file_takes_no_parts() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let parts = alice.put_parts(&remote, &file).await;
    alice.complete_call(&remote, &parts).await.expect(200);
    let put = || alice.put_part(&remote, 1, vec![b'x'; 1024]);
    put().await.refused(409, "CONFLICT");
    let session = remote.path.split('/').nth(5).unwrap();
    alice.finalize_call(session, "Castle").await.expect(201);
    put().await.refused(409, "CONFLICT");
    assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
}

#[tokio::test]
async fn an_expired_session_takes_no_parts() {
    let app = TestApp::new().await;
    let (alice, _, remote) = three_parts(&app).await;
    app.clock.advance(15 * MINUTE);
    let put = alice.put_part(&remote, 1, Bytes::new());
    unasked(put, 1024).await.refused(410, "SESSION_EXPIRED");
}

#[tokio::test]
async fn nobody_elses_file_takes_parts() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let part = file.part(1, 1024);
    let bob = app.user("bob");
    bob.put_part(&remote, 1, part.clone())
        .await
        .refused(404, "NOT_FOUND");
    // Whoever must not know of a file learns nothing of its parts either.
    bob.put_part(&remote, 99, part.clone())
        .await
        .refused(404, "NOT_FOUND");

    let (_, _, other) = three_parts(&app).await;
    let session = |path: &str| path.split('/').nth(5).unwrap().to_owned();
    for path in [
        other
            .path
            .replace(&session(&other.path), &session(&remote.path)),
        remote.path.replace(&remote.file_id, NOBODY),
        remote.path.replace(&remote.file_id, "nonsense"),
        remote.path.replace(&session(&remote.path), NOBODY),
        remote.path.replace(&session(&remote.path), "nonsense"),
    ] {
        let put = alice.put(format!("{path}/parts/1")).bytes(part.clone());
        put.await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_parts_at_once_and_each_several_times() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 8 * 1024 - 100);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let put = |n: u32| alice.put_part(&remote, n % 8 + 1, file.part(n % 8 + 1, 1024));
    let calls: Vec<Call> = (0..32).map(put).collect();
    let responses = together(calls).await;
    assert_eq!(count(&responses, 200), 32, "{responses:#?}");
    let session = alice.session(&id).await;
    assert_eq!(session["files"][0]["partsReceived"], 8);
    assert_eq!(session["bytesReceived"], 8 * 1024 - 100);
    assert_eq!(completed_bytes(&alice, &remote).await, file.bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn different_bytes_at_once_for_one_part_end_as_one_of_them() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    alice.put_parts(&remote, &file).await;
    let put = |digit: u8| alice.put_part(&remote, 2, vec![b'0' + digit; 1024]);
    let responses: Vec<Response> = together((0..8).map(put)).await;
    assert_eq!(count(&responses, 200), 8);
    if app.bucket().is_some() {
        // Which came last there is not known before the bucket is asked: by who completes.
        let parts = json!({ "parts": listed(&alice, &remote).await });
        let completed = alice.complete_call(&remote, &parts).await;
        if completed.status != 200 {
            completed.refused(400, "INVALID_PART");
        }
    }
    let recorded = listed(&alice, &remote).await[1]["etag"].clone();
    let bytes = completed_bytes(&alice, &remote).await;
    let winner = bytes[1024];
    assert_eq!(bytes[1024..2048], vec![winner; 1024]);
    let answer = &responses[usize::from(winner - b'0')];
    assert_eq!(
        answer.json()["etag"],
        recorded,
        "what is recorded is what is stored"
    );
    assert_eq!(bytes[..1024], file.bytes[..1024]);
    assert_eq!(bytes[2048..], file.bytes[2048..]);
}
