//! Which web pages may call (CONTRACT sections 1 and 5, `CORS_ALLOWED_ORIGINS`).

use http::{HeaderValue, Method};
use moc_uploads_api::CorsOrigins;
use moc_uploads_testkit::app::{Call, LocalFile, Response, SESSIONS, TestApp};

use crate::routes::{ROUTES, filled};

const OURS: &str = "https://app.example.com";

async fn app(origins: CorsOrigins) -> TestApp {
    TestApp::with(|options| options.api.cors = origins).await
}

fn list() -> CorsOrigins {
    CorsOrigins::List(vec![
        HeaderValue::from_static("http://localhost:5173"),
        HeaderValue::from_static(OURS),
    ])
}

fn preflight(app: &TestApp, path: &str, method: &str, origin: &str) -> Call {
    app.anonymous()
        .call(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization,content-type,idempotency-key,x-correlation-id,content-md5,range",
        )
}

fn names(response: &Response, header: &str) -> Vec<String> {
    let names = response.header(header).split(',');
    names.map(|name| name.trim().to_lowercase()).collect()
}

#[tokio::test]
async fn without_a_setting_no_page_may_call() {
    let app = app(CorsOrigins::None).await;
    let get = app
        .user("alice")
        .get(SESSIONS)
        .header("origin", OURS)
        .await
        .expect(200);
    assert!(!get.has_header("access-control-allow-origin"));
    let preflight = preflight(&app, SESSIONS, "POST", OURS).await;
    assert!(!preflight.has_header("access-control-allow-origin"));
}

#[tokio::test]
async fn a_page_of_the_list_may_call_and_others_may_not() {
    let app = app(list()).await;
    let get = |origin| app.user("alice").get(SESSIONS).header("origin", origin);
    for origin in [OURS, "http://localhost:5173"] {
        let response = get(origin).await.expect(200);
        assert_eq!(response.header("access-control-allow-origin"), origin);
        assert!(names(&response, "vary").contains(&"origin".to_owned()));
    }
    for origin in [
        "https://evil.example.com",
        "https://app.example.com.evil.org",
        "null",
    ] {
        let response = get(origin).await.expect(200);
        assert!(
            !response.has_header("access-control-allow-origin"),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn any_page_may_call_with_a_star() {
    let app = app(CorsOrigins::Any).await;
    let get = app
        .user("alice")
        .get(SESSIONS)
        .header("origin", OURS)
        .await
        .expect(200);
    assert_eq!(get.header("access-control-allow-origin"), "*");
    // Tokens travel in a header that scripts set; cookies are never asked for.
    assert!(!get.has_header("access-control-allow-credentials"));
}

#[tokio::test]
async fn every_route_answers_a_preflight_without_a_token() {
    let app = app(list()).await;
    for (method, template) in ROUTES {
        let response = preflight(&app, &filled(template), method.as_str(), OURS).await;
        assert!(response.status.is_success(), "{response:?}");
        assert_eq!(response.header("access-control-allow-origin"), OURS);
        let methods = names(&response, "access-control-allow-methods");
        assert!(
            methods.contains(&method.as_str().to_lowercase()),
            "{response:?}"
        );
        let headers = names(&response, "access-control-allow-headers");
        for needed in [
            "authorization",
            "content-type",
            "idempotency-key",
            "x-correlation-id",
        ] {
            assert!(
                headers.contains(&needed.to_owned()),
                "{needed}: {response:?}"
            );
        }
    }
}

#[tokio::test]
async fn scripts_see_the_headers_that_they_need() {
    for origins in [list(), CorsOrigins::Any] {
        let app = app(origins).await;
        let alice = app.user("alice");
        alice.create_session(&[LocalFile::pdf("a", 10)]).await;
        let responses = [
            alice.get(SESSIONS).header("origin", OURS).await.expect(200),
            alice
                .get(format!("{SESSIONS}/x"))
                .header("origin", OURS)
                .await
                .expect(404),
            app.anonymous()
                .get(SESSIONS)
                .header("origin", OURS)
                .await
                .expect(401),
        ];
        for response in responses {
            assert!(
                response.has_header("access-control-allow-origin"),
                "{response:?}"
            );
            let exposed = names(&response, "access-control-expose-headers");
            for needed in ["etag", "location", "retry-after", "x-correlation-id"] {
                assert!(
                    exposed.contains(&needed.to_owned()),
                    "{needed}: {response:?}"
                );
            }
        }
    }
}
