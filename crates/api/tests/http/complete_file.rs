//! `POST /sessions/{sessionId}/files/{fileId}/complete` (CONTRACT section 1.5).

use std::future::IntoFuture;

use moc_uploads_testkit::app::{
    Caller, LocalFile, PUBLIC_BASE_URL, RemoteFile, TestApp, session_path,
};
use moc_uploads_testkit::faults::Fault;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::{MINUTE, NO_FILES, NOBODY, count, members, together};

/// A session of alice with a file whose three parts have arrived, and what they are.
async fn all_parts(app: &TestApp, file: &LocalFile) -> (Caller, RemoteFile, Value) {
    let alice = app.user("alice");
    let id = alice.create_session(std::slice::from_ref(file)).await;
    let remote = alice.register(&id, file).await;
    let parts = alice.put_parts(&remote, file).await;
    (alice, remote, parts)
}

fn file() -> LocalFile {
    LocalFile::pdf("a", 2500)
}

fn session_of(remote: &RemoteFile) -> &str {
    remote.path.split('/').nth(5).unwrap()
}

async fn is_completed(caller: &Caller, remote: &RemoteFile) -> bool {
    let session = caller.session(session_of(remote)).await;
    session["files"][0]["status"] == "completed"
}

#[tokio::test]
async fn answers_with_a_url_that_leads_to_the_bytes() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    let completed = alice
        .complete_call(&remote, &parts)
        .await
        .expect(200)
        .json();
    assert_eq!(members(&completed), ["fileId", "fileUrl"]);
    assert_eq!(completed["fileId"], remote.file_id);
    let content = format!("{}/content", remote.path);
    let url = match app.bucket() {
        None => format!("{PUBLIC_BASE_URL}{content}"),
        Some(bucket) => format!(
            "{}/{}/dev/moc-instructions/alice/{}/instruction/{}.pdf",
            bucket.endpoint(),
            bucket.name(),
            session_of(&remote),
            remote.file_id
        ),
    };
    assert_eq!(completed["fileUrl"], url);
    // There a signature is needed, which the server has.
    assert_eq!(alice.get(content).await.expect(200).body, file().bytes);
}

#[tokio::test]
async fn parts_may_come_in_any_order_and_without_quotes() {
    let app = TestApp::new().await;
    let (alice, remote, mut parts) = all_parts(&app, &file()).await;
    parts["parts"].as_array_mut().unwrap().reverse();
    for part in parts["parts"].as_array_mut().unwrap() {
        part["etag"] = part["etag"].as_str().unwrap().trim_matches('"').into();
        part["size"] = json!("ignored");
    }
    alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file().bytes);
}

#[tokio::test]
async fn missing_and_extra_parts_are_told() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    let all = parts["parts"].as_array().unwrap();
    let extra = json!({ "partNumber": 4, "etag": "\"x\"" });
    let refusals: [(Vec<&Value>, Value); 4] = [
        (vec![], json!([1, 2, 3])),
        (vec![&all[1]], json!([1, 3])),
        (vec![&all[0], &all[1], &all[2], &extra], json!([])),
        (vec![&all[0], &all[1], &all[2], &all[2]], json!([])),
    ];
    for (named, missing) in refusals {
        let refused = alice
            .complete_call(&remote, &json!({ "parts": named }))
            .await;
        // A part that stands twice may be refused by the schema.
        if named.len() == 4 && refused.status == 422 {
            continue;
        }
        let problem = refused.refused(400, "PART_COUNT_MISMATCH");
        assert_eq!(problem["expected"], 3);
        assert_eq!(problem["missing"], missing);
    }
    assert!(!is_completed(&alice, &remote).await);
    alice.complete_call(&remote, &parts).await.expect(200);
}

#[tokio::test]
async fn a_part_that_did_not_arrive_is_missing() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = file();
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    alice
        .put_part(&remote, 1, file.part(1, 1024))
        .await
        .expect(200);
    let parts: Vec<Value> = (1..=3)
        .map(|n| json!({ "partNumber": n, "etag": "\"made up\"" }))
        .collect();
    let refused = alice
        .complete_call(&remote, &json!({ "parts": parts }))
        .await;
    let problem = refused.refused(400, "PART_COUNT_MISMATCH");
    assert_eq!(problem["missing"], json!([2, 3]));
}

#[tokio::test]
async fn a_wrong_etag_is_refused() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    let mut swapped = parts.clone();
    swapped["parts"][0]["etag"] = parts["parts"][1]["etag"].clone();
    let mut made_up = parts.clone();
    made_up["parts"][2]["etag"] = json!("\"00\"");
    for wrong in [swapped, made_up] {
        alice
            .complete_call(&remote, &wrong)
            .await
            .refused(400, "INVALID_PART");
    }
    assert!(!is_completed(&alice, &remote).await);
    alice.complete_call(&remote, &parts).await.expect(200);
}

#[tokio::test]
async fn bodies_that_are_no_list_of_parts_are_refused() {
    let app = TestApp::new().await;
    let (alice, remote, _) = all_parts(&app, &file()).await;
    let post = || alice.post(format!("{}/complete", remote.path));
    post().await.refused(400, "BAD_REQUEST");
    for body in [
        json!({}),
        json!([]),
        json!({ "parts": {} }),
        json!({ "parts": [1] }),
        json!({ "parts": [{ "partNumber": "1", "etag": "x" }] }),
        json!({ "parts": [{ "partNumber": 1 }] }),
        json!({ "parts": [{ "partNumber": 1, "etag": 5 }] }),
        json!({ "parts": [{ "partNumber": -1, "etag": "x" }] }),
    ] {
        post().json(&body).await.refused(422, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn completing_again_gives_the_same_answer() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    let first = alice.complete_call(&remote, &parts).await.expect(200);
    let again = alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(again.body, first.body);
    alice
        .finalize_call(session_of(&remote), "Castle")
        .await
        .expect(201);
    let again = alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(again.body, first.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completes_at_once_complete_once() {
    let app = TestApp::new().await;
    let file = file();
    let hash: String = digest(&SHA256, &file.bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    for file in [file.clone(), file.with("hash", hash)] {
        let alice = app.user("alice");
        let id = alice.create_session(std::slice::from_ref(&file)).await;
        let remote = alice.register(&id, &file).await;
        let parts = alice.put_parts(&remote, &file).await;
        let responses = together((0..16).map(|_| alice.complete_call(&remote, &parts))).await;
        assert_eq!(count(&responses, 200), 16, "{responses:?}");
        assert!(
            responses
                .iter()
                .all(|response| response.body == responses[0].body)
        );
        assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
    }
}

#[tokio::test]
async fn a_declared_sha256_is_verified() {
    let app = TestApp::new().await;
    let right = file();
    let hash: String = digest(&SHA256, &right.bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let file = right.with("hash", hash);
    let alice = app.user("alice");
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let mut wrong = file.bytes.to_vec();
    wrong[2000] ^= 1;
    let parts = alice
        .put_parts(
            &remote,
            &LocalFile {
                bytes: wrong.into(),
                ..file.clone()
            },
        )
        .await;
    let refused = alice.complete_call(&remote, &parts).await;
    refused.refused(400, "CHECKSUM_MISMATCH");
    assert!(!is_completed(&alice, &remote).await);
    alice.content(&remote).await.refused(409, "CONFLICT");

    // What differs is sent again. A bucket can't compare parts: there it is all of them.
    let mut parts = parts;
    let differing: &[u32] = match app.bucket() {
        None => &[2],
        Some(_) => &[1, 2, 3],
    };
    for &part_number in differing {
        let part = alice.put_part(&remote, part_number, file.part(part_number, 1024));
        let etag = part.await.expect(200).json()["etag"].clone();
        parts["parts"][part_number as usize - 1]["etag"] = etag;
    }
    alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
}

#[tokio::test]
async fn a_crash_before_the_record_heals_with_the_next_call() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    app.session_faults.fail("complete_file", Fault::Unavailable);
    let refused = alice.complete_call(&remote, &parts).await;
    refused.refused(503, "DATABASE_UNAVAILABLE");
    assert!(!is_completed(&alice, &remote).await);
    app.session_faults.clear();
    alice.complete_call(&remote, &parts).await.expect(200);
    assert!(is_completed(&alice, &remote).await);
    assert_eq!(alice.content(&remote).await.expect(200).body, file().bytes);
}

#[tokio::test]
async fn a_store_that_fails_changes_nothing() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    app.object_faults
        .fail("complete_upload", Fault::Unavailable);
    let refused = alice.complete_call(&remote, &parts).await;
    refused.refused(503, "STORAGE_UNAVAILABLE");
    assert!(!is_completed(&alice, &remote).await);
    app.object_faults.clear();
    alice.complete_call(&remote, &parts).await.expect(200);
}

#[tokio::test]
async fn a_session_that_ends_meanwhile_keeps_nothing() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    let gate = app.session_faults.hold("complete_file");
    let call = alice.complete_call(&remote, &parts);
    let completing = tokio::spawn(call.into_future());
    gate.arrived(1).await;
    alice
        .delete(session_path(session_of(&remote)))
        .await
        .expect(204);
    gate.open();
    let refused = completing.await.unwrap();
    refused.refused(400, "SESSION_NOT_ACTIVE");
    app.uploads.reap_sessions().await.unwrap();
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn an_expired_session_completes_nothing() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    app.clock.advance(15 * MINUTE);
    let refused = alice.complete_call(&remote, &parts).await;
    refused.refused(410, "SESSION_EXPIRED");
}

#[tokio::test]
async fn nobody_elses_file_is_completed() {
    let app = TestApp::new().await;
    let (alice, remote, parts) = all_parts(&app, &file()).await;
    let refused = app.user("bob").complete_call(&remote, &parts).await;
    refused.refused(404, "NOT_FOUND");
    for path in [
        remote.path.replace(&remote.file_id, NOBODY),
        remote.path.replace(&remote.file_id, "nonsense"),
        remote.path.replace(session_of(&remote), NOBODY),
    ] {
        let call = alice.post(format!("{path}/complete")).json(&parts);
        call.await.refused(404, "NOT_FOUND");
    }
    assert!(!is_completed(&alice, &remote).await);
}
