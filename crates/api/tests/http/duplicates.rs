//! Duplicate detection (CONTRACT section 1.2).

use moc_uploads_testkit::app::{Caller, LocalFile, SESSIONS, TestApp, create_body};
use moc_uploads_testkit::faults::Fault;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::MINUTE;

fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn hashed(file: LocalFile) -> LocalFile {
    let hash = sha256(&file.bytes);
    file.with("hash", hash)
}

async fn create(caller: &Caller, body: &Value) -> moc_uploads_testkit::app::Response {
    caller.post(SESSIONS).json(body).await
}

#[tokio::test]
async fn all_files_that_the_user_has_are_named_and_nothing_is_created() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [
        hashed(LocalFile::pdf("a", 1500)),
        hashed(LocalFile::image("b", 700)),
    ];
    let (session, _) = alice.upload_all(&files).await;
    let known = alice.session(&session).await;

    // Under other names and keys, with the hash in other letters, and beside a new file.
    let again = [
        LocalFile::pdf("a2", 1500).with("hash", sha256(&files[0].bytes).to_uppercase()),
        LocalFile::image("b2", 700)
            .with("hash", sha256(&files[1].bytes))
            .with("key", "k"),
        hashed(LocalFile::csv("new", 10)),
    ];
    let refused = create(&alice, &create_body(&again)).await;
    let problem = refused.refused(409, "DUPLICATE_FILE");
    assert_eq!(
        problem["duplicates"],
        json!([
            { "key": "a2", "existingUrl": known["files"][0]["fileUrl"] },
            { "key": "k", "existingUrl": known["files"][1]["fileUrl"] },
        ])
    );
    let listed = alice.get(SESSIONS).await.json();
    assert_eq!(listed["pagination"]["total"], 1);
}

#[tokio::test]
async fn a_duplicate_may_be_allowed() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = hashed(LocalFile::pdf("a", 100));
    alice.upload_all(std::slice::from_ref(&file)).await;
    let mut body = create_body(&[file]);
    body["allowDuplicates"] = json!(false);
    create(&alice, &body).await.refused(409, "DUPLICATE_FILE");
    body["allowDuplicates"] = json!(true);
    create(&alice, &body).await.expect(201);
}

#[tokio::test]
async fn what_is_no_duplicate_is_let_in() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = hashed(LocalFile::pdf("a", 100));
    let hash = file.metadata["hash"].clone();

    // Registered, but not completed.
    let session = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&session, &file).await;
    create(&alice, &create_body(std::slice::from_ref(&file)))
        .await
        .expect(201);

    let parts = alice.put_parts(&remote, &file).await;
    alice.complete_call(&remote, &parts).await.expect(200);
    let body = create_body(std::slice::from_ref(&file));
    create(&alice, &body).await.refused(409, "DUPLICATE_FILE");
    create(&app.user("bob"), &body).await.expect(201);
    let no_hash = LocalFile::pdf("a", 100);
    create(&alice, &create_body(&[no_hash])).await.expect(201);
    let other_size = LocalFile::pdf("a", 101).with("hash", hash);
    create(&alice, &create_body(&[other_size]))
        .await
        .expect(201);
    let other_hash = LocalFile::pdf("a", 100).with("hash", "0".repeat(64));
    create(&alice, &create_body(&[other_hash]))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_hash_of_another_kind_is_compared_as_it_is() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for (digits, size) in [(32, 100), (40, 101), (128, 102)] {
        // Not the digest of these bytes: the server can't know and doesn't care.
        let file = LocalFile::pdf("a", size).with("hash", "aB".repeat(digits / 2));
        alice.upload_all(std::slice::from_ref(&file)).await;
        let file = file.with("hash", "Ab".repeat(digits / 2));
        create(&alice, &create_body(&[file]))
            .await
            .refused(409, "DUPLICATE_FILE");
    }
}

#[tokio::test]
async fn a_hash_may_stand_beside_the_files() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 1500).with("key", "k");
    let entry = json!({ "key": "k", "size": 1500, "hash": sha256(&file.bytes) });
    let mut body = create_body(std::slice::from_ref(&file));
    body["fileHashes"] = json!([entry]);

    let created = create(&alice, &body).await.expect(201).json();
    let session = created["sessionId"].as_str().unwrap();
    alice.upload(session, &file).await;
    create(&alice, &body).await.refused(409, "DUPLICATE_FILE");
    // Both places feed one check.
    create(&alice, &create_body(&[hashed(file)]))
        .await
        .refused(409, "DUPLICATE_FILE");
}

/// Neither is completed when the other is opened, and the second to complete is no error.
#[tokio::test]
async fn two_sessions_may_bring_the_same_file_at_once() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = hashed(LocalFile::pdf("a", 1500));
    let first = alice.create_session(std::slice::from_ref(&file)).await;
    let second = alice.create_session(std::slice::from_ref(&file)).await;
    for session in [&first, &second] {
        alice.upload(session, &file).await;
        let known = alice.session(session).await;
        assert_eq!(known["files"][0]["status"], "completed");
    }
    create(&alice, &create_body(&[file]))
        .await
        .refused(409, "DUPLICATE_FILE");
}

#[tokio::test]
async fn a_hash_beside_the_files_is_verified_at_completion() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 1500);
    let mut body = create_body(std::slice::from_ref(&file));
    body["fileHashes"] = json!([{ "key": "a", "size": 1500, "hash": "0".repeat(64) }]);
    let created = create(&alice, &body).await.expect(201).json();
    let session = created["sessionId"].as_str().unwrap();
    let remote = alice.register(session, &file).await;
    let parts = alice.put_parts(&remote, &file).await;
    let refused = alice.complete_call(&remote, &parts).await;
    refused.refused(400, "CHECKSUM_MISMATCH");
}

#[tokio::test]
async fn a_hash_for_no_file_of_the_request_is_422() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let hash = "0".repeat(64);
    for wrong in [
        json!({ "key": "b", "size": 1500, "hash": hash }),
        json!({ "key": "a", "size": 1501, "hash": hash }),
        json!({ "key": "a", "size": 1500, "hash": "0123" }),
        json!({ "key": "a", "size": 1500, "hash": "x".repeat(64) }),
    ] {
        let mut body = create_body(&[LocalFile::pdf("a", 1500)]);
        body["fileHashes"] = json!([wrong]);
        let refused = create(&alice, &body).await;
        let pointers = refused.invalid_pointers();
        assert!(
            pointers
                .iter()
                .all(|pointer| pointer.starts_with("/fileHashes/0")),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn files_of_a_cancelled_session_are_nobodys_duplicates() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = hashed(LocalFile::pdf("a", 100));
    let (session, _) = alice.upload_all(std::slice::from_ref(&file)).await;
    alice
        .delete(format!("{SESSIONS}/{session}"))
        .await
        .expect(204);
    alice.upload_all(std::slice::from_ref(&file)).await;
    create(&alice, &create_body(&[file]))
        .await
        .refused(409, "DUPLICATE_FILE");
}

#[tokio::test]
async fn files_of_a_finalized_session_are_duplicates() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = hashed(LocalFile::pdf("a", 100));
    let (session, _) = alice.upload_all(std::slice::from_ref(&file)).await;
    alice.finalize_call(&session, "Castle").await.expect(201);
    create(&alice, &create_body(&[file]))
        .await
        .refused(409, "DUPLICATE_FILE");
}

#[tokio::test]
async fn files_that_wait_to_be_removed_are_nobodys_duplicates() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = hashed(LocalFile::pdf("a", 100));
    let body = create_body(std::slice::from_ref(&file));
    let (cancelled, _) = alice.upload_all(std::slice::from_ref(&file)).await;
    app.object_faults.fail_everything(Fault::Unavailable);
    alice
        .delete(format!("{SESSIONS}/{cancelled}"))
        .await
        .expect(204);
    app.object_faults.clear();
    create(&alice, &body).await.expect(201);

    alice.upload_all(std::slice::from_ref(&file)).await;
    create(&alice, &body).await.refused(409, "DUPLICATE_FILE");
    app.clock.advance(15 * MINUTE);
    create(&alice, &body).await.expect(201);
}
