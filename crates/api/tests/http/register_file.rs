//! `POST /sessions/{sessionId}/files` (CONTRACT section 1.3).

use moc_uploads_core::time::{Clock, SystemClock};
use moc_uploads_testkit::app::{LocalFile, PART_SIZE, RemoteFile, SESSIONS, TestApp, session_path};
use moc_uploads_testkit::faults::Fault;
use serde_json::{Value, json};

use crate::{MINUTE, NO_FILES, NOBODY, count, members, together};

#[tokio::test]
async fn answers_with_all_that_a_client_needs() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("castle.pdf", 2500).with("key", "k");
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let registered = alice.register_call(&id, &file).await.expect(201);
    let json = registered.json();
    assert_eq!(
        members(&json),
        ["fileId", "key", "partCount", "partSizeBytes", "uploadId"]
    );
    assert_eq!(json["key"], "k");
    assert_eq!(json["partSizeBytes"], 1024);
    assert_eq!(json["partCount"], 3);
    assert!(!json["uploadId"].as_str().unwrap().is_empty());
    let file_id = json["fileId"].as_str().unwrap();
    assert!(file_id.parse::<uuid::Uuid>().is_ok());
    let path = format!("{SESSIONS}/{id}/files/{file_id}");
    assert!(
        registered.header("location").contains(&path),
        "{registered:?}"
    );
}

#[tokio::test]
async fn a_file_has_as_many_parts_as_it_needs() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for (size, part_count) in [(1, 1), (1024, 1), (1025, 2), (2048, 2), (10_240, 10)] {
        let file = LocalFile::pdf("a", size);
        let id = alice.create_session(std::slice::from_ref(&file)).await;
        assert_eq!(
            alice.register(&id, &file).await.part_count,
            part_count,
            "{size}"
        );
    }
}

#[tokio::test]
async fn only_what_was_declared_can_be_registered() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let image = LocalFile::image("b", 10);
    let id = alice.create_session(&[file.clone(), image.clone()]).await;
    for wrong in [
        file.clone().with("key", "c"),
        file.clone().with("name", "c"),
        file.clone().with("size", 11),
        image.clone().with("type", "image/jpeg"),
        image.clone().with("category", "thumbnail"),
    ] {
        alice
            .register_call(&id, &wrong)
            .await
            .refused(400, "BAD_REQUEST");
    }
    // Key, category, size and type are what must match.
    let renamed = file
        .with("key", "a")
        .with("name", "other name")
        .with("ext", "PDF");
    alice.register_call(&id, &renamed).await.expect(201);
    alice.register_call(&id, &image).await.expect(201);
}

#[tokio::test]
async fn as_many_as_declared_and_no_more() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    alice.register_call(&id, &file).await.expect(201);
    let further = LocalFile::pdf("b", 10);
    alice
        .register_call(&id, &further)
        .await
        .refused(400, "FILE_COUNT_EXCEEDED");
}

#[tokio::test]
async fn fields_that_cannot_be_right_are_named() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    for (member, value) in [
        ("category", json!("x")),
        ("name", json!("")),
        ("size", json!(0)),
        ("size", json!("10")),
        ("type", json!("pdf")),
        ("ext", json!("01234567890")),
        ("key", json!(1)),
        ("hash", json!("zz")),
        ("partCount", json!("one")),
        ("partCount", json!(-1)),
        ("partCount", json!(0.5)),
    ] {
        let wrong = file.clone().with(member, value);
        let refused = alice.register_call(&id, &wrong).await;
        assert_eq!(refused.invalid_pointers(), [format!("/{member}")]);
    }
    let post = || alice.post(format!("{SESSIONS}/{id}/files"));
    post()
        .json(&json!({}))
        .await
        .refused(422, "VALIDATION_ERROR");
    post().await.refused(400, "BAD_REQUEST");
    let broken = post().bytes("{").header("content-type", "application/json");
    broken.await.refused(400, "BAD_REQUEST");
    assert_eq!(alice.session(&id).await["files"], json!([]));
}

#[tokio::test]
async fn a_hash_that_contradicts_the_declared_one_is_refused() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10).with("hash", "a".repeat(64));
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let other = file.clone().with("hash", "b".repeat(64));
    alice
        .register_call(&id, &other)
        .await
        .refused(400, "BAD_REQUEST");
    alice.register_call(&id, &file).await.expect(201);
}

#[tokio::test]
async fn a_part_count_that_is_not_the_files_own_is_refused() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    for part_count in [0, 1, 2, 4, 10_001] {
        let wrong = file.clone().with("partCount", part_count);
        let refused = alice.register_call(&id, &wrong).await;
        // Nought is refused by the schema or by the plan.
        if part_count == 0 && refused.status == 422 {
            continue;
        }
        let problem = refused.refused(400, "PART_COUNT_MISMATCH");
        assert_eq!(problem["expected"], 3);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("partCount"), "{detail}");
        assert!(problem.get("missing").is_none(), "{problem}");
    }
    alice
        .register_call(&id, &file.with("partCount", 3))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_key_is_taken_once() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 10), LocalFile::pdf("b", 10)];
    let id = alice.create_session(&files).await;
    alice.register_call(&id, &files[0]).await.expect(201);
    alice
        .register_call(&id, &files[0])
        .await
        .refused(409, "CONFLICT");
    alice.register_call(&id, &files[1]).await.expect(201);
    alice
        .register_call(&id, &files[1])
        .await
        .refused(409, "CONFLICT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_registered_at_once_is_taken_once() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice
        .create_session(&[file.clone(), LocalFile::pdf("b", 10)])
        .await;
    let responses = together((0..16).map(|_| alice.register_call(&id, &file))).await;
    let counts = (count(&responses, 201), count(&responses, 409));
    assert_eq!(counts, (1, 15), "{responses:#?}");
    let session = alice.session(&id).await;
    assert_eq!(session["files"].as_array().unwrap().len(), 1);
    // The losers leave nothing behind.
    alice.delete(session_path(&id)).await.expect(204);
    assert_eq!(app.stored_files(), NO_FILES);
}

#[tokio::test]
async fn object_keys_tell_whose_and_what_a_file_is() {
    let app = TestApp::with(|options| options.settings.stage = "stage/../x".to_owned()).await;
    let alice = app.user("al/../ice ä|1");
    let files = [
        LocalFile::pdf("a", 10).with("ext", "P.D/F"),
        LocalFile::image("b", 10),
        LocalFile::csv("c", 10),
    ];
    let (id, remotes) = alice.upload_all(&files).await;
    let moc = alice.finalize_call(&id, "Castle").await.expect(201).json();
    let keys: Vec<&str> = [&moc["pdfKey"], &moc["imageKeys"][0], &moc["partsKeys"][0]]
        .into_iter()
        .map(|key| key.as_str().unwrap())
        .collect();
    for (key, (category, remote)) in keys
        .iter()
        .zip(["instruction", "image", "parts-list"].iter().zip(&remotes))
    {
        let segments: Vec<&str> = key.split('/').collect();
        let [_stage, fixed, _user, session, kind, name] = segments[..] else {
            panic!("{key}");
        };
        assert_eq!(
            (fixed, session, kind),
            ("moc-instructions", id.as_str(), *category)
        );
        assert!(name.starts_with(&format!("{}.", remote.file_id)), "{key}");
        let is_sane = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        assert!(key.chars().all(is_sane) && !key.contains(".."), "{key}");
    }
}

#[tokio::test]
async fn a_plain_object_key_is_as_the_contract_writes_it() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, remotes) = alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    let moc = alice.finalize_call(&id, "Castle").await.expect(201).json();
    let file_id = &remotes[0].file_id;
    let key = format!("dev/moc-instructions/alice/{id}/instruction/{file_id}.pdf");
    assert_eq!(moc["pdfKey"], key);
}

#[tokio::test]
async fn sessions_that_are_over_take_no_files() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 10), LocalFile::image("b", 10)];
    let finalized = alice.create_session(&files).await;
    alice.upload(&finalized, &files[0]).await;
    alice.finalize_call(&finalized, "Castle").await.expect(201);
    let refused = alice.register_call(&finalized, &files[1]).await;
    refused.refused(400, "SESSION_NOT_ACTIVE");

    let expired = alice.create_session(&files).await;
    app.clock.advance(15 * MINUTE);
    let refused = alice.register_call(&expired, &files[0]).await;
    refused.refused(410, "SESSION_EXPIRED");
}

#[tokio::test]
async fn nobody_elses_session_takes_files() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    app.user("bob")
        .register_call(&id, &file)
        .await
        .refused(404, "NOT_FOUND");
    alice
        .register_call(NOBODY, &file)
        .await
        .refused(404, "NOT_FOUND");
    alice
        .register_call("no-uuid", &file)
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_registration_that_fails_leaves_nothing() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    app.session_faults
        .fail("register_files", Fault::Unavailable);
    let refused = alice.register_call(&id, &file).await;
    refused.refused(503, "DATABASE_UNAVAILABLE");
    app.session_faults.clear();
    if app.bucket().is_some() {
        // Whether it was recorded can't be known: its upload is left to the sweep.
        let now = app.clock.now();
        app.clock
            .set(SystemClock.now() + app.uploads.settings().orphan_age * 2);
        app.uploads.sweep_orphans().await.unwrap();
        app.clock.set(now);
    }
    assert_eq!(app.stored_files(), NO_FILES);
    assert_eq!(alice.session(&id).await["files"], Value::Array(Vec::new()));
    alice.register_call(&id, &file).await.expect(201);
}

/// The row is there, though nobody was told: its upload must be, too.
#[tokio::test]
async fn a_file_whose_registration_was_lost_on_its_way_takes_parts() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    app.session_faults.lose_answers("register_files");
    alice
        .register_call(&id, &file)
        .await
        .refused(503, "DATABASE_UNAVAILABLE");
    app.session_faults.clear();
    alice
        .register_call(&id, &file)
        .await
        .refused(409, "CONFLICT");
    let mut known = alice.session(&id).await["files"][0].clone();
    known["partSizeBytes"] = PART_SIZE.into();
    let remote = RemoteFile::new(&id, &known);
    let parts = alice.put_parts(&remote, &file).await;
    alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
}
