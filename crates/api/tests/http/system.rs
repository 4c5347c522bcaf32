//! What is outside the base path, and what is the same for every route (CONTRACT section 1).

use moc_uploads_core::ErrorCode;
use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, create_body};
use moc_uploads_testkit::faults::Fault;

use crate::routes::{SYSTEM_ROUTES, calls};

#[tokio::test]
async fn nobody_needs_a_token() {
    let app = TestApp::new().await;
    for path in SYSTEM_ROUTES {
        let response = app.anonymous().get(path).await;
        let is_redirect = path == "/docs" && response.status.is_redirection();
        assert!(is_redirect || response.status == 200, "{response:?}");
    }
}

#[tokio::test]
async fn the_process_is_up_whatever_its_stores_do() {
    let app = TestApp::new().await;
    app.session_faults.fail_everything(Fault::Unavailable);
    app.object_faults.fail_everything(Fault::Internal);
    app.readiness.shut_down();
    app.anonymous().get("/healthz").await.expect(200);
}

#[tokio::test]
async fn it_is_ready_when_database_and_object_store_answer() {
    let app = TestApp::new().await;
    let ready = || app.anonymous().get("/readyz");
    ready().await.expect(200);
    app.session_faults.fail("ping", Fault::Unavailable);
    ready().await.expect(503);
    app.session_faults.clear();
    ready().await.expect(200);
    app.object_faults.fail("ping", Fault::Unavailable);
    ready().await.expect(503);
    app.object_faults.clear();
    ready().await.expect(200);
    app.readiness.shut_down();
    ready().await.expect(503);
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let app = TestApp::new().await;
    app.user("alice")
        .create_session(&[LocalFile::pdf("a", 10)])
        .await;
    let metrics = app.anonymous().get("/metrics").await.expect(200);
    assert!(metrics.header("content-type").starts_with("text/plain"));
}

#[tokio::test]
async fn the_documentation_is_a_page_with_all_that_it_loads() {
    let app = TestApp::new().await;
    for (address, folder) in [("/docs", ""), ("/docs/", "/docs")] {
        let page = app.anonymous().get(address).await.expect(200);
        assert!(page.header("content-type").starts_with("text/html"));
        let html = String::from_utf8_lossy(&page.body);
        let quoted: Vec<&str> = html.split('"').collect();
        let links = quoted
            .windows(2)
            .filter(|pair| pair[0].ends_with("src=") || pair[0].ends_with("href="))
            .map(|pair| pair[1].trim_start_matches("./"));
        let mut scripts = String::new();
        for link in links {
            let loaded = app.anonymous().get(format!("{folder}/{link}")).await;
            let loaded = loaded.expect(200);
            if link.ends_with(".js") {
                assert!(loaded.header("content-type").contains("javascript"));
                scripts += &String::from_utf8_lossy(&loaded.body);
            }
        }
        assert!(scripts.contains("SwaggerUIBundle("), "{html}");
        assert!(scripts.contains("\"../openapi.json\""), "another document");
    }
}

#[tokio::test]
async fn every_problem_is_explained() {
    let app = TestApp::new().await;
    for code in ErrorCode::ALL {
        let slug = code.as_str().to_lowercase().replace('_', "-");
        let page = app
            .anonymous()
            .get(format!("/problems/{slug}"))
            .await
            .expect(200);
        let text = String::from_utf8_lossy(&page.body);
        assert!(text.contains(code.as_str()), "{code}: {text}");
    }
    let unknown = app.anonymous().get("/problems/no-such-problem").await;
    unknown.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_sane_correlation_id_is_echoed() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for sane in [
        "abc-123",
        "6f1c1f4a-5a53-4a0f-9d1e-0a7c1b9f2d3e",
        "a",
        "A_b.9",
    ] {
        for path in ["/healthz", SESSIONS, "/nowhere"] {
            let get = alice.get(path).header("x-correlation-id", sane);
            assert_eq!(get.await.header("x-correlation-id"), sane);
        }
    }
}

#[tokio::test]
async fn an_insane_correlation_id_is_replaced() {
    let app = TestApp::new().await;
    let long = "a".repeat(1000);
    for insane in [
        "",
        " ",
        "a b",
        "a\tb",
        "<script>",
        "a\"b",
        "{\"a\":1}",
        &long,
    ] {
        let get = app
            .anonymous()
            .get("/healthz")
            .header("x-correlation-id", insane);
        let response = get.await;
        let id = response.header("x-correlation-id");
        assert_ne!(id, insane);
        assert!(!id.is_empty() && id.len() <= 128, "{id}");
    }
    let bytes = app
        .anonymous()
        .get("/healthz")
        .header("x-correlation-id", b"\xff\xfe");
    assert!(bytes.await.header("x-correlation-id").is_ascii());
}

#[tokio::test]
async fn every_response_has_a_correlation_id_of_its_own() {
    let app = TestApp::new().await;
    let mut ids = std::collections::HashSet::new();
    for caller in [app.anonymous(), app.user("alice")] {
        for call in calls(&caller) {
            assert!(ids.insert(call.await.header("x-correlation-id").to_owned()));
        }
    }
    for path in SYSTEM_ROUTES {
        let response = app.anonymous().get(path).await;
        assert!(ids.insert(response.header("x-correlation-id").to_owned()));
    }
}

#[tokio::test]
async fn what_is_nowhere_is_a_problem_too() {
    let app = TestApp::new().await;
    for path in [
        "/",
        "/nowhere",
        "/api",
        "/api/mocs/uploads",
        "/sessions",
        "/problem",
    ] {
        app.user("alice").get(path).await.refused(404, "NOT_FOUND");
    }
    let alice = app.user("alice");
    for (method, path) in [
        (http::Method::PATCH, SESSIONS),
        (http::Method::PUT, SESSIONS),
        (http::Method::DELETE, SESSIONS),
        (http::Method::POST, "/healthz"),
    ] {
        let refused = alice.call(method, path).await;
        refused.refused(405, "METHOD_NOT_ALLOWED");
        assert!(refused.header("allow").contains("GET"), "{refused:?}");
    }
}

#[tokio::test]
async fn json_bodies_are_bounded_in_size() {
    let app = TestApp::with(|options| options.api.max_json_bytes = 4096).await;
    let alice = app.user("alice");
    let mut body = create_body(&[LocalFile::pdf("a", 10)]);
    body["padding"] = "x".repeat(3000).into();
    alice.post(SESSIONS).json(&body).await.expect(201);
    body["padding"] = "x".repeat(4096).into();
    alice
        .post(SESSIONS)
        .json(&body)
        .await
        .refused(413, "PAYLOAD_TOO_LARGE");
    let bytes = serde_json::to_vec(&body).unwrap();
    let chunks = futures_util::stream::iter(
        bytes
            .chunks(100)
            .map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk)))
            .collect::<Vec<_>>(),
    );
    let chunked = alice
        .post(SESSIONS)
        .chunked(chunks)
        .header("content-type", "application/json");
    chunked.await.refused(413, "PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn json_bodies_are_bounded_in_time() {
    let app = TestApp::new().await;
    let stuck = app.user("alice").post(SESSIONS);
    let stuck = stuck.stream(futures_util::stream::pending());
    tokio::time::pause();
    let refused = stuck.header("content-type", "application/json").await;
    tokio::time::resume();
    refused.refused(408, "REQUEST_TIMEOUT");
}

#[tokio::test]
async fn a_body_of_another_kind_is_not_taken_for_json() {
    let app = TestApp::new().await;
    let body = create_body(&[LocalFile::pdf("a", 10)]);
    let post = || app.user("alice").post(SESSIONS).json(&body);
    post()
        .header("content-type", "application/json; charset=utf-8")
        .await
        .expect(201);
    post()
        .header("content-type", "text/html")
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
}
