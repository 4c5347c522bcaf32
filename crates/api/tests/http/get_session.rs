//! `GET /sessions/{sessionId}` (CONTRACT section 1.10).

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, session_path};
use serde_json::json;

use crate::{MINUTE, NOBODY, instant, members};

#[tokio::test]
async fn tells_what_was_declared() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let files = [LocalFile::pdf("a", 2500), LocalFile::image("b", 700)];
    let id = alice.create_session(&files).await;
    let created_at = app.clock.now();
    app.clock.advance(MINUTE);

    let session = alice.session(&id).await;
    assert_eq!(instant(&session["createdAt"]), created_at);
    assert_eq!(instant(&session["expiresAt"]), created_at + 15 * MINUTE);
    assert_eq!(
        session,
        json!({
            "sessionId": id, "status": "active", "partSizeBytes": 1024,
            "createdAt": session["createdAt"], "expiresAt": session["expiresAt"],
            "fileCount": 2, "bytesTotal": 3200, "bytesReceived": 0, "files": [],
        })
    );
}

#[tokio::test]
async fn tells_what_has_arrived() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = LocalFile::pdf("castle.pdf", 2500).with("key", "k");
    let image = LocalFile::image("b", 700);
    let id = alice.create_session(&[pdf.clone(), image.clone()]).await;
    let remote = alice.register(&id, &pdf).await;

    let file = alice.session(&id).await["files"][0].clone();
    assert!(["pending", "uploading"].contains(&file["status"].as_str().unwrap()));
    assert_eq!(
        file,
        json!({
            "fileId": remote.file_id, "key": "k", "category": "instruction", "name": "castle.pdf",
            "size": 2500, "type": "application/pdf", "status": file["status"], "partCount": 3,
            "partsReceived": 0, "bytesReceived": 0,
        })
    );

    alice
        .put_part(&remote, 3, pdf.part(3, 1024))
        .await
        .expect(200);
    let session = alice.session(&id).await;
    assert_eq!(session["bytesReceived"], 2500 - 2048);
    assert_eq!(session["files"][0]["status"], "uploading");
    assert_eq!(session["files"][0]["partsReceived"], 1);
    assert_eq!(session["files"][0]["bytesReceived"], 2500 - 2048);

    // Sent again, a part counts once.
    alice
        .put_part(&remote, 3, pdf.part(3, 1024))
        .await
        .expect(200);
    assert_eq!(alice.session(&id).await["bytesReceived"], 2500 - 2048);

    let parts = alice.put_parts(&remote, &pdf).await;
    let completed = alice
        .complete_call(&remote, &parts)
        .await
        .expect(200)
        .json();
    let second = alice.register(&id, &image).await;
    let session = alice.session(&id).await;
    assert_eq!(session["bytesTotal"], 3200);
    assert_eq!(session["bytesReceived"], 2500);
    assert_eq!(session["fileCount"], 2);
    let files = &session["files"];
    assert_eq!(files[0]["status"], "completed");
    assert_eq!(files[0]["partsReceived"], 3);
    assert_eq!(files[0]["bytesReceived"], 2500);
    assert_eq!(files[0]["fileUrl"], completed["fileUrl"]);
    assert_eq!(
        files[1]["fileId"], second.file_id,
        "in the order of registration"
    );
    assert!(files[1].get("fileUrl").is_none());
    assert!(session.get("moc").is_none());
}

#[tokio::test]
async fn shows_the_moc_of_a_finalized_session() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (id, _) = alice.upload_all(&[LocalFile::pdf("a", 1500)]).await;
    let moc = alice.finalize_call(&id, "Castle").await.expect(201).json();
    let session = alice.session(&id).await;
    assert_eq!(session["status"], "completed");
    for member in members(&session["moc"]) {
        assert_eq!(session["moc"][member], moc[member], "{member}");
    }
    assert_eq!(session["moc"]["id"], moc["id"]);
    assert_eq!(session["moc"]["slug"], "castle");
    // A MOC does not expire.
    app.clock.advance(60 * MINUTE);
    app.uploads.reap_sessions().await.unwrap();
    assert_eq!(alice.session(&id).await["status"], "completed");
}

#[tokio::test]
async fn nobody_elses_session_is_there() {
    let app = TestApp::new().await;
    let id = app
        .user("alice")
        .create_session(&[LocalFile::pdf("a", 10)])
        .await;
    for caller in [app.user("bob"), app.admin()] {
        caller
            .get(session_path(&id))
            .await
            .refused(404, "NOT_FOUND");
    }
    let alice = app.user("alice");
    for id in [NOBODY, "1", "not-a-uuid", "..%2f..%2fetc", "%00", "%FF"] {
        alice
            .get(format!("{SESSIONS}/{id}"))
            .await
            .refused(404, "NOT_FOUND");
    }
}
