//! Every code of CONTRACT section 2 is provoked, and each answer is complete.

use std::time::Duration;

use futures_util::stream;
use http::Method;
use moc_uploads_api::auth::AuthKeys;
use moc_uploads_core::ErrorCode;
use moc_uploads_testkit::app::{
    Call, Caller, LocalFile, RemoteFile, Response, SESSIONS, TestApp, create_body, session_path,
};
use moc_uploads_testkit::faults::Fault;
use serde_json::json;

use crate::MINUTE;
use crate::routes::ROUTES;

/// A session of alice with a file of three parts, none of which has arrived.
async fn registered(app: &TestApp) -> (Caller, String, LocalFile, RemoteFile) {
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    (alice, id, file, remote)
}

fn create(caller: &Caller, files: &[LocalFile]) -> Call {
    caller.post(SESSIONS).json(&create_body(files))
}

/// An answer with this code, and the status that the contract gives it.
async fn provoked(code: ErrorCode) -> (u16, Response) {
    let app = TestApp::with(|options| {
        options.settings.daily_limit = Some(2);
        options.api.max_json_bytes = 10_000;
        options.api.body_idle_timeout = Duration::from_millis(20);
        if code == ErrorCode::AuthUnavailable {
            // Nobody listens on the discard port.
            let url = "http://127.0.0.1:9/jwks.json".parse().unwrap();
            options.api.auth.keys = AuthKeys::Jwks(url);
        }
    })
    .await;
    let alice = app.user("alice");
    let pdf = LocalFile::pdf("a", 10);
    match code {
        ErrorCode::BadRequest => {
            let broken = alice.post(SESSIONS).bytes("{");
            (400, broken.header("content-type", "application/json").await)
        }
        ErrorCode::FileCountExceeded => {
            let lists = (0..6).map(|n| LocalFile::csv(&n.to_string(), 10));
            let files: Vec<_> = std::iter::once(pdf).chain(lists).collect();
            (400, create(&alice, &files).await)
        }
        ErrorCode::InvalidPartNumber => {
            let (alice, _, _, remote) = registered(&app).await;
            (400, alice.put_part(&remote, 4, "x").await)
        }
        ErrorCode::InvalidPart => {
            let (alice, _, file, remote) = registered(&app).await;
            let mut parts = alice.put_parts(&remote, &file).await;
            parts["parts"][0]["etag"] = json!("wrong");
            (400, alice.complete_call(&remote, &parts).await)
        }
        ErrorCode::PartSizeMismatch => {
            let (alice, _, _, remote) = registered(&app).await;
            (400, alice.put_part(&remote, 1, "x").await)
        }
        ErrorCode::PartCountMismatch => {
            let (alice, _, _, remote) = registered(&app).await;
            (
                400,
                alice.complete_call(&remote, &json!({ "parts": [] })).await,
            )
        }
        ErrorCode::ChecksumMismatch => {
            let (alice, _, file, remote) = registered(&app).await;
            let put = alice.put_part(&remote, 1, file.part(1, 1024));
            (
                400,
                put.header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==").await,
            )
        }
        ErrorCode::ContentTypeMismatch => {
            let (id, _) = alice.upload_all(&[pdf.holding("no pdf")]).await;
            (400, alice.finalize_call(&id, "Castle").await)
        }
        ErrorCode::FilesIncomplete => {
            let image = LocalFile::image("i", 10);
            let id = alice.create_session(&[pdf.clone(), image.clone()]).await;
            alice.upload(&id, &pdf).await;
            alice.register(&id, &image).await;
            (400, alice.finalize_call(&id, "Castle").await)
        }
        ErrorCode::SessionNotActive => {
            let (alice, id, file, _) = registered(&app).await;
            alice.delete(session_path(&id)).await.expect(204);
            (400, alice.register_call(&id, &file).await)
        }
        ErrorCode::Unauthorized => (401, app.anonymous().get(SESSIONS).await),
        ErrorCode::Forbidden => {
            let (_, _, _, remote) = registered(&app).await;
            let path = format!("{}/parts/1?expires=1&signature=00", remote.path);
            (403, app.anonymous().put(path).bytes("x").await)
        }
        ErrorCode::NotFound => (404, alice.get(format!("{SESSIONS}/x")).await),
        ErrorCode::MethodNotAllowed => (405, alice.call(Method::PATCH, SESSIONS).await),
        ErrorCode::RequestTimeout => {
            let (alice, _, _, remote) = registered(&app).await;
            let put = alice.put(format!("{}/parts/1", remote.path));
            (408, put.chunked(stream::pending()).await)
        }
        ErrorCode::Conflict => {
            let (alice, id, file, _) = registered(&app).await;
            (409, alice.register_call(&id, &file).await)
        }
        ErrorCode::DuplicateFile => {
            let file = pdf.with("hash", "a".repeat(32));
            alice.upload_all(std::slice::from_ref(&file)).await;
            (409, create(&alice, &[file]).await)
        }
        ErrorCode::SessionExpired => {
            let (alice, id, file, _) = registered(&app).await;
            app.clock.advance(15 * MINUTE);
            (410, alice.register_call(&id, &file).await)
        }
        ErrorCode::LengthRequired => {
            let (alice, _, _, remote) = registered(&app).await;
            (411, alice.put(format!("{}/parts/1", remote.path)).await)
        }
        ErrorCode::FileTooLarge => (
            413,
            create(&alice, &[pdf.with("size", 51 * 1024 * 1024)]).await,
        ),
        ErrorCode::PayloadTooLarge => (413, alice.post(SESSIONS).bytes(vec![b' '; 10_001]).await),
        ErrorCode::UnsupportedMediaType => {
            (415, create(&alice, &[pdf.with("type", "text/html")]).await)
        }
        ErrorCode::RangeNotSatisfiable => {
            let (_, remotes) = alice.upload_all(&[pdf]).await;
            let get = alice.get(format!("{}/content", remotes[0].path));
            (416, get.header("range", "bytes=10-").await)
        }
        ErrorCode::ValidationError => (422, alice.post(SESSIONS).json(&json!({})).await),
        ErrorCode::TooManyRequests => {
            for _ in 0..2 {
                alice.create_session(std::slice::from_ref(&pdf)).await;
            }
            (429, create(&alice, &[pdf]).await)
        }
        ErrorCode::InternalError => {
            app.session_faults.fail_everything(Fault::Internal);
            (500, alice.get(SESSIONS).await)
        }
        ErrorCode::StorageUnavailable => {
            let id = alice.create_session(std::slice::from_ref(&pdf)).await;
            app.object_faults.fail_everything(Fault::Unavailable);
            (503, alice.register_call(&id, &pdf).await)
        }
        ErrorCode::DatabaseUnavailable => {
            app.session_faults.fail_everything(Fault::Unavailable);
            (503, alice.get(SESSIONS).await)
        }
        ErrorCode::AuthUnavailable => {
            // Of a key that would have to be fetched: {"alg":"ES256","kid":"x"}
            let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AAAA";
            (503, app.bearer(token).get(SESSIONS).await)
        }
    }
}

#[tokio::test]
async fn every_code_is_provoked_and_explained() {
    for &code in ErrorCode::ALL {
        let (status, response) = provoked(code).await;
        let problem = response.refused(status, code.as_str());
        let page = TestApp::new()
            .await
            .anonymous()
            .get(problem["type"].as_str().unwrap())
            .await;
        assert_eq!(page.status, 200, "{code}: {page:?}");
    }
}

#[tokio::test]
async fn nothing_internal_reaches_a_client() {
    let app = TestApp::new().await;
    let (alice, id, file, remote) = registered(&app).await;
    let completed = LocalFile::pdf("b", 10);
    let (_, completed) = alice.upload_all(&[completed]).await;
    let calls = || {
        [
            create(&alice, std::slice::from_ref(&file)),
            alice.get(SESSIONS),
            alice.get(session_path(&id)),
            alice.delete(session_path(&id)),
            alice.register_call(&id, &file),
            alice
                .post(format!("{SESSIONS}/{id}/files/batch"))
                .json(&json!({ "files": [file.metadata] })),
            alice.put_part(&remote, 1, file.part(1, 1024)),
            alice.get(format!("{}/parts", remote.path)),
            alice.complete_call(&remote, &json!({ "parts": [] })),
            alice.get(format!("{}/content", completed[0].path)),
            alice.finalize_call(&id, "Castle"),
            alice
                .post("/api/mocs/uploads/finalize")
                .json(&json!({ "uploadSessionId": id, "title": "Castle" })),
            app.admin().get(format!("{SESSIONS}/analytics")),
        ]
    };
    assert_eq!(calls().len(), ROUTES.len(), "one for each route");
    for (fault, status, code) in [
        (Fault::Internal, 500, "INTERNAL_ERROR"),
        (Fault::Unavailable, 503, "DATABASE_UNAVAILABLE"),
    ] {
        app.session_faults.fail_everything(fault);
        app.event_faults.fail_everything(fault);
        for call in calls() {
            // That the cause is not told is asserted for every problem.
            call.await.refused(status, code);
        }
    }
    app.session_faults.clear();
    alice.get(session_path(&id)).await.expect(200);
}

#[tokio::test]
async fn a_store_that_fails_is_told_apart_from_one_that_is_away() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice
        .create_session(&[file.clone(), LocalFile::pdf("b", 10)])
        .await;
    let remote = alice.register(&id, &file).await;
    let parts = alice.put_parts(&remote, &file).await;
    for (fault, status, code) in [
        (Fault::Internal, 500, "INTERNAL_ERROR"),
        (Fault::Unavailable, 503, "STORAGE_UNAVAILABLE"),
    ] {
        app.object_faults.fail_everything(fault);
        let put = alice.put_part(&remote, 1, file.part(1, 1024));
        put.await.refused(status, code);
        let register = alice.register_call(&id, &LocalFile::pdf("b", 10));
        register.await.refused(status, code);
        let complete = alice.complete_call(&remote, &parts);
        complete.await.refused(status, code);
        app.object_faults.clear();
    }
    alice.complete_call(&remote, &parts).await.expect(200);
    for (fault, status, code) in [
        (Fault::Internal, 500, "INTERNAL_ERROR"),
        (Fault::Unavailable, 503, "STORAGE_UNAVAILABLE"),
    ] {
        app.object_faults.fail_everything(fault);
        alice.content(&remote).await.refused(status, code);
        app.object_faults.clear();
    }
}

#[tokio::test]
async fn in_a_batch_a_fault_is_told_as_little() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    app.object_faults.fail_everything(Fault::Internal);
    let batch = alice.post(format!("{SESSIONS}/{id}/files/batch"));
    let batch = batch.json(&json!({ "files": [file.metadata] })).await;
    let body = String::from_utf8_lossy(&batch.body);
    assert!(
        !body.contains(moc_uploads_testkit::faults::SECRET),
        "{batch:?}"
    );
    assert_eq!(
        batch.expect(200).json()["results"][0]["error"]["code"],
        "INTERNAL_ERROR"
    );
}
