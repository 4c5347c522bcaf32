//! `AUTH_BYPASS`: whoever is on this machine is the developer, the web pages that a browser on it
//! looks at are not (CONTRACT section 3, docs/behaviour.md).

use http::HeaderValue;
use moc_uploads_api::CorsOrigins;
use moc_uploads_api::auth::AuthKeys;
use moc_uploads_core::principal::{Principal, UserId};
use moc_uploads_testkit::app::{Call, LocalFile, SESSIONS, TestApp, create_body};

const OURS: &str = "https://app.example.com";
const FOREIGN: &str = "https://evil.example.com";

async fn app(cors: CorsOrigins) -> TestApp {
    TestApp::with(|options| {
        options.api.cors = cors;
        options.api.public_host = Some("dev.example.com".to_owned());
        options.api.auth.keys = AuthKeys::Bypass(Principal {
            user_id: UserId::new("developer"),
            is_admin: true,
        });
    })
    .await
}

/// What a page may send without asking: a POST of text.
fn create(app: &TestApp, headers: &[(&str, &str)]) -> Call {
    let body = create_body(&[LocalFile::pdf("a", 10)]);
    let call = app.anonymous().post(SESSIONS).json(&body);
    headers
        .iter()
        .fold(call.without("content-type"), |call, (name, value)| {
            call.header(name, value)
        })
}

#[tokio::test]
async fn everybody_is_the_developer() {
    let app = app(CorsOrigins::None).await;
    let created = create(&app, &[]).await.expect(201);
    for caller in [app.user("alice"), app.bearer("nonsense"), app.anonymous()] {
        caller.get(created.header("location")).await.expect(200);
    }
}

#[tokio::test]
async fn pages_of_this_machine_and_of_this_server_may_call() {
    let app = app(CorsOrigins::None).await;
    for headers in [
        &[
            ("origin", "http://localhost:5173"),
            ("sec-fetch-site", "same-site"),
        ][..],
        &[("origin", "http://[::1]:8080")],
        &[("origin", "http://127.0.0.1")],
        &[
            ("host", "dev.example.com:8443"),
            ("origin", "https://dev.example.com:8443"),
        ],
        // A proxy in between that changes the host.
        &[("origin", OURS), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
    ] {
        create(&app, headers).await.expect(201);
    }
}

#[tokio::test]
async fn foreign_pages_may_not() {
    let app = app(CorsOrigins::None).await;
    for headers in [
        &[("origin", FOREIGN)][..],
        &[("origin", FOREIGN), ("sec-fetch-site", "cross-site")],
        &[("origin", "null")],
        &[("origin", "http://localhost.evil.example.com")],
        &[("origin", "http://127.0.0.1.evil.example.com")],
        &[("origin", "")],
        &[("sec-fetch-site", "cross-site")],
    ] {
        create(&app, headers).await.refused(403, "FORBIDDEN");
    }
    let list = app.anonymous().get(SESSIONS).await.expect(200).json();
    assert_eq!(list["pagination"]["total"], 0);
    // Following a link is no attack.
    let link = app.anonymous().get(SESSIONS);
    link.header("sec-fetch-site", "cross-site")
        .await
        .expect(200);
}

#[tokio::test]
async fn pages_that_cors_lets_in_may_call() {
    let listed = app(CorsOrigins::List(vec![HeaderValue::from_static(OURS)])).await;
    create(
        &listed,
        &[("origin", OURS), ("sec-fetch-site", "cross-site")],
    )
    .await
    .expect(201);
    create(&listed, &[("origin", FOREIGN)])
        .await
        .refused(403, "FORBIDDEN");
    let any = app(CorsOrigins::Any).await;
    for headers in [
        [("origin", FOREIGN), ("sec-fetch-site", "cross-site")],
        [("origin", "null"), ("sec-fetch-site", "cross-site")],
    ] {
        create(&any, &headers).await.expect(201);
    }
}

/// DNS rebinding: a page of a name that leads to this machine is same-origin with this server.
#[tokio::test]
async fn only_names_of_this_machine_lead_here() {
    let app = app(CorsOrigins::Any).await;
    for host in [
        "localhost",
        "LOCALHOST.:3000",
        "app.localhost:3000",
        "127.0.0.1:3000",
        "127.1.2.3",
        "[::1]:3000",
        "dev.example.com",
        "Dev.Example.com:3000",
    ] {
        create(&app, &[("host", host)]).await.expect(201);
    }
    for host in [
        "evil.example.com",
        "evil.example.com:3000",
        "localhost.evil.example.com",
        "evillocalhost",
        "192.168.1.7:3000",
        "[fe80::1]:3000",
        "127.0.0.1.nip.io",
    ] {
        let headers = [
            ("host", host),
            ("origin", "http://localhost"),
            ("sec-fetch-site", "same-origin"),
        ];
        create(&app, &headers).await.refused(403, "FORBIDDEN");
        let get = app.anonymous().get(SESSIONS).header("host", host);
        get.await.refused(403, "FORBIDDEN");
    }
}

#[tokio::test]
async fn with_tokens_it_does_not_matter_where_a_request_comes_from() {
    let app = TestApp::new().await;
    let call = app.user("alice").get(SESSIONS);
    call.header("host", "evil.example.com")
        .header("origin", FOREIGN)
        .header("sec-fetch-site", "cross-site")
        .await
        .expect(200);
}
