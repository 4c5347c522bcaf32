//! `POST /sessions/finalize` (CONTRACT section 1.6).

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{Caller, LocalFile, RemoteFile, SESSIONS, TestApp};
use serde_json::{Value, json};

use crate::{MINUTE, NOBODY, instant};

pub(crate) fn pdf() -> LocalFile {
    LocalFile::pdf("castle.pdf", 1500)
}

/// A session of alice with a completed instruction.
pub(crate) async fn ready(app: &TestApp) -> (Caller, String) {
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[pdf()]).await;
    (alice, id)
}

async fn finalize(caller: &Caller, body: Value) -> moc_uploads_testkit::app::Response {
    caller
        .post(format!("{SESSIONS}/finalize"))
        .json(&body)
        .await
}

async fn file_url(caller: &Caller, session: &str, remote: &RemoteFile) -> Value {
    let session = caller.session(session).await;
    let files = session["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["fileId"] == remote.file_id);
    file.unwrap()["fileUrl"].clone()
}

#[tokio::test]
async fn makes_a_moc_of_all_files() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [
        LocalFile::pdf("one.pdf", 1500),
        LocalFile::image("front.png", 700),
        LocalFile::pdf("two.pdf", 1500),
        LocalFile::thumbnail("thumb.png", 700),
        LocalFile::csv("parts.csv", 100),
        LocalFile::image("back.png", 700),
    ];
    let id = alice.create_session(&files).await;
    // The second instruction is registered first.
    let mut remotes = Vec::new();
    for index in [2, 0, 1, 3, 4, 5] {
        remotes.push(alice.upload(&id, &files[index]).await);
    }
    app.clock.advance(MINUTE);
    let body = json!({
        "uploadSessionId": id, "title": "Castle", "description": "Big.\nGrey.",
        "tags": ["castle", "grey"], "theme": "Medieval", "unknown": 1,
    });
    let created = finalize(&alice, body.clone()).await.expect(201);
    let moc = created.json();

    let key = |category: &str, remote: &RemoteFile, ext: &str| {
        json!(format!(
            "dev/moc-instructions/alice/{id}/{category}/{}.{ext}",
            remote.file_id
        ))
    };
    assert!(moc["id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert_eq!(instant(&moc["createdAt"]), app.clock.now());
    assert!(created.has_header("location"));
    assert_eq!(
        moc,
        json!({
            "id": moc["id"], "createdAt": moc["createdAt"], "title": "Castle", "slug": "castle",
            "description": "Big.\nGrey.", "status": "private",
            "tags": ["castle", "grey"], "theme": "Medieval",
            "pdfKey": key("instruction", &remotes[0], "pdf"),
            "imageKeys": [key("image", &remotes[2], "png"), key("image", &remotes[5], "png")],
            "partsKeys": [key("parts-list", &remotes[4], "csv")],
            "thumbnailUrl": file_url(&alice, &id, &remotes[3]).await,
        })
    );

    let again = finalize(&alice, body).await.expect(200).json();
    let mut expected = moc;
    expected["idempotent"] = json!(true);
    assert_eq!(again, expected);
}

#[tokio::test]
async fn a_title_is_enough() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let moc = alice.finalize_call(&id, "Castle").await.expect(201).json();
    assert_eq!(moc["description"], Value::Null);
    assert_eq!(moc["theme"], Value::Null);
    assert_eq!(moc["thumbnailUrl"], Value::Null);
    for empty in ["tags", "imageKeys", "partsKeys"] {
        assert_eq!(moc[empty], json!([]), "{empty}");
    }
}

#[tokio::test]
async fn without_a_thumbnail_the_first_image_stands_for_the_moc() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [
        pdf(),
        LocalFile::image("i", 100),
        LocalFile::image("j", 100),
    ];
    let (id, remotes) = alice.upload_all(&files).await;
    let first = file_url(&alice, &id, &remotes[1]).await;
    let moc = alice.finalize_call(&id, "Castle").await.expect(201).json();
    assert_eq!(moc["thumbnailUrl"], first);
}

#[tokio::test]
async fn the_short_path_does_the_same() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    let body = json!({ "uploadSessionId": id, "title": "Castle" });
    let short = || alice.post("/api/mocs/uploads/finalize").json(&body);
    let moc = short().await.expect(201).json();
    let again = alice.finalize_call(&id, "Castle").await.expect(200).json();
    assert_eq!(again["id"], moc["id"]);
    short().await.expect(200);
}

#[tokio::test]
async fn fields_that_cannot_be_right_are_named() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    for (member, value) in [
        ("title", json!("")),
        ("title", json!("é".repeat(201))),
        ("title", json!(1)),
        ("title", json!(null)),
        ("description", json!("é".repeat(5001))),
        ("description", json!([])),
        ("tags", json!(vec!["t"; 21])),
        ("tags", json!("castle")),
        ("tags", json!(["t".repeat(51)])),
        ("tags", json!([1])),
        ("theme", json!("é".repeat(101))),
        ("theme", json!({})),
        ("uploadSessionId", json!(5)),
    ] {
        let mut body = json!({ "uploadSessionId": id, "title": "Castle" });
        body[member] = value;
        let refused = finalize(&alice, body).await;
        let pointers = refused.invalid_pointers();
        let pointer = format!("/{member}");
        assert!(
            pointers.iter().all(|found| found.starts_with(&pointer)),
            "{refused:?}"
        );
    }
    finalize(&alice, json!({ "uploadSessionId": id }))
        .await
        .refused(422, "VALIDATION_ERROR");
    finalize(&alice, json!({ "title": "Castle" }))
        .await
        .refused(422, "VALIDATION_ERROR");
    alice
        .post(format!("{SESSIONS}/finalize"))
        .await
        .refused(400, "BAD_REQUEST");

    let largest = json!({
        "uploadSessionId": id, "title": "é".repeat(200), "description": "é".repeat(5000),
        "tags": vec!["é".repeat(50); 20], "theme": "é".repeat(100),
    });
    finalize(&alice, largest).await.expect(201);
}

#[tokio::test]
async fn without_a_completed_instruction_there_is_no_moc() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [pdf(), LocalFile::image("i", 100)];
    let id = alice.create_session(&files).await;
    alice
        .finalize_call(&id, "Castle")
        .await
        .refused(400, "BAD_REQUEST");
    alice.upload(&id, &files[1]).await;
    alice
        .finalize_call(&id, "Castle")
        .await
        .refused(400, "BAD_REQUEST");
    // The refusal changed nothing.
    alice.upload(&id, &files[0]).await;
    alice.finalize_call(&id, "Castle").await.expect(201);
}

#[tokio::test]
async fn a_registered_file_must_be_completed() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [
        pdf(),
        LocalFile::image("i", 100),
        LocalFile::csv("never", 10),
    ];
    let id = alice.create_session(&files).await;
    alice.upload(&id, &files[0]).await;
    let image = alice.register(&id, &files[1]).await;
    let refused = alice.finalize_call(&id, "Castle").await;
    let problem = refused.refused(400, "FILES_INCOMPLETE");
    assert_eq!(problem["incomplete"], json!([image.file_id]));
    let parts = alice.put_parts(&image, &files[1]).await;
    alice.complete_call(&image, &parts).await.expect(200);
    // What was declared and never registered does not matter.
    alice.finalize_call(&id, "Castle").await.expect(201);
}

#[tokio::test]
async fn the_first_bytes_decide_what_a_file_is() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let liar = LocalFile::image("liar.png", 0).holding(&b"<html>no picture</html>"[..]);
    let (id, _) = alice.upload_all(&[pdf(), liar]).await;
    for _ in 0..2 {
        let refused = alice.finalize_call(&id, "Castle").await;
        let problem = refused.refused(400, "CONTENT_TYPE_MISMATCH");
        assert!(
            problem["detail"].as_str().unwrap().contains("liar.png"),
            "{problem}"
        );
    }
    assert_eq!(alice.session(&id).await["status"], "active");
}

#[tokio::test]
async fn slugs_are_unique_per_user() {
    let app = TestApp::new().await;
    let mut slugs = Vec::new();
    for title in ["Castle", "castle!", "CASTLE?"] {
        let (alice, id) = ready(&app).await;
        let moc = alice.finalize_call(&id, title).await.expect(201).json();
        slugs.push(moc["slug"].clone());
    }
    assert_eq!(json!(slugs), json!(["castle", "castle-1", "castle-2"]));
    let bob = app.user("bob");
    let (id, _) = bob.upload_all(&[pdf()]).await;
    let moc = bob.finalize_call(&id, "Castle").await.expect(201).json();
    assert_eq!(moc["slug"], "castle");
}

#[tokio::test]
async fn a_title_is_taken_once_per_user() {
    let app = TestApp::new().await;
    let (alice, first) = ready(&app).await;
    alice.finalize_call(&first, "Castle").await.expect(201);
    let (_, second) = ready(&app).await;
    let refused = alice.finalize_call(&second, "Castle").await;
    let problem = refused.refused(409, "CONFLICT");
    assert_eq!(problem["suggestedSlug"], "castle-1");
    // The refusal released the lock, and another title will do.
    let moc = alice
        .finalize_call(&second, "Castle 1")
        .await
        .expect(201)
        .json();
    assert_eq!(moc["slug"], "castle-1");
}

#[tokio::test]
async fn sessions_that_ended_are_not_finalized() {
    let app = TestApp::new().await;
    let (alice, cancelled) = ready(&app).await;
    alice
        .delete(format!("{SESSIONS}/{cancelled}"))
        .await
        .expect(204);
    let refused = alice.finalize_call(&cancelled, "Castle").await;
    refused.refused(400, "SESSION_NOT_ACTIVE");
    let (_, expired) = ready(&app).await;
    app.clock.advance(15 * MINUTE);
    let refused = alice.finalize_call(&expired, "Castle").await;
    refused.refused(410, "SESSION_EXPIRED");
}

#[tokio::test]
async fn nobody_elses_session_is_finalized() {
    let app = TestApp::new().await;
    let (alice, id) = ready(&app).await;
    app.user("bob")
        .finalize_call(&id, "Castle")
        .await
        .refused(404, "NOT_FOUND");
    app.admin()
        .finalize_call(&id, "Castle")
        .await
        .refused(404, "NOT_FOUND");
    alice
        .finalize_call(NOBODY, "Castle")
        .await
        .refused(404, "NOT_FOUND");
    alice.finalize_call(&id, "Castle").await.expect(201);
    app.user("bob")
        .finalize_call(&id, "Castle")
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn an_id_that_is_no_uuid_is_found_nowhere() {
    let app = TestApp::new().await;
    let refused = app.user("alice").finalize_call("nonsense", "Castle").await;
    // In a body it may be told as a wrong field just as well.
    if refused.status == 422 {
        assert_eq!(refused.invalid_pointers(), ["/uploadSessionId"]);
    } else {
        refused.refused(404, "NOT_FOUND");
    }
}
