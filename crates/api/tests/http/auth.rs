//! Who is calling (CONTRACT section 3): tokens signed with a secret.

use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use moc_uploads_testkit::app::{
    Claims, JWT_SECRET, LocalFile, SESSIONS, TestApp, sign, sign_hs256, unix_seconds,
};
use serde_json::json;

use crate::routes::{ROUTES, calls, filled_with};

fn claims(app: &TestApp) -> Claims {
    Claims::new("alice", &app.clock)
}

async fn assert_accepted(app: &TestApp, token: &str) {
    app.bearer(token).get(SESSIONS).await.expect(200);
}

async fn assert_refused(app: &TestApp, token: &str) {
    let refused = app.bearer(token).get(SESSIONS).await;
    refused.refused(401, "UNAUTHORIZED");
    let body = String::from_utf8_lossy(&refused.body).into_owned();
    assert!(token.is_empty() || !body.contains(token), "{refused:?}");
}

#[tokio::test]
async fn every_route_asks_for_a_token_before_anything_else() {
    let app = TestApp::new().await;
    for call in calls(&app.anonymous()) {
        call.await.refused(401, "UNAUTHORIZED");
    }
    for (method, template) in ROUTES {
        // All that could be wrong besides is not looked at.
        let path = filled_with(template, "no-uuid", "%00", "ten") + "?limit=x";
        let call = app.anonymous().call(method, path).bytes("{");
        let call = call.header("content-type", "text/plain");
        call.await.refused(401, "UNAUTHORIZED");
    }
    for call in calls(&app.bearer("nonsense")) {
        call.await.refused(401, "UNAUTHORIZED");
    }
}

#[tokio::test]
async fn what_is_no_bearer_token_is_refused() {
    let app = TestApp::new().await;
    let token = app.user("alice").token().unwrap();
    for header in [
        "",
        "Bearer",
        "Bearer ",
        "Basic YWxpY2U6eA==",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer ..",
        &token,
        &format!("Token {token}"),
        &format!("Bearer {token} {token}"),
        &format!("Bearer{token}"),
    ] {
        let get = app
            .anonymous()
            .get(SESSIONS)
            .header("authorization", header);
        get.await.refused(401, "UNAUTHORIZED");
    }
    let bytes = app
        .anonymous()
        .get(SESSIONS)
        .header("authorization", b"Bearer \xff\xfe");
    bytes.await.refused(401, "UNAUTHORIZED");
    let lower_case = app.anonymous().get(SESSIONS);
    let lower_case = lower_case.header("authorization", format!("bearer {token}"));
    lower_case.await.expect(200);
}

#[tokio::test]
async fn a_token_is_the_user_that_its_sub_says() {
    let app = TestApp::new().await;
    for sub in [
        "alice",
        "dev-user-00000000-0000-0000-0000-000000000001",
        "a|b/c:d@e",
        "älice 城",
    ] {
        app.user(sub)
            .create_session(&[LocalFile::pdf("a", 10)])
            .await;
        let listed = app.user(sub).get(SESSIONS).await.expect(200).json();
        assert_eq!(listed["pagination"]["total"], 1, "{sub}");
    }
}

#[tokio::test]
async fn only_our_secret_and_our_algorithm_count() {
    let app = TestApp::new().await;
    let claims = claims(&app);
    assert_accepted(&app, &sign_hs256(&claims, JWT_SECRET)).await;
    assert_refused(&app, &sign_hs256(&claims, "another secret")).await;
    assert_refused(&app, &sign_hs256(&claims, "")).await;
    let key = EncodingKey::from_secret(JWT_SECRET.as_bytes());
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        assert_refused(&app, &sign(&Header::new(algorithm), &claims, &key)).await;
    }
    let token = sign_hs256(&claims, JWT_SECRET);
    let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("{token}");
    };
    // {"alg":"none"}, {"alg":"None","typ":"JWT"}
    for none in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0"] {
        for token in [
            format!("{none}.{payload}."),
            format!("{none}.{payload}"),
            format!("{none}.{payload}.{signature}"),
        ] {
            assert_refused(&app, &token).await;
        }
    }
}

#[tokio::test]
async fn a_token_that_was_altered_is_refused() {
    let app = TestApp::new().await;
    let token = sign_hs256(&claims(&app), JWT_SECRET);
    let other = sign_hs256(&claims(&app).with("sub", "bob"), JWT_SECRET);
    let parts: Vec<&str> = token.split('.').collect();
    let others: Vec<&str> = other.split('.').collect();
    assert_refused(&app, &[parts[0], others[1], parts[2]].join(".")).await;
    assert_refused(&app, &[parts[0], parts[1], others[2]].join(".")).await;
    assert_refused(&app, &token[..token.len() - 2]).await;
}

#[tokio::test]
async fn sub_and_exp_must_be_there() {
    let app = TestApp::new().await;
    for claims in [
        claims(&app).without("sub"),
        claims(&app).without("exp"),
        claims(&app).with("sub", ""),
        claims(&app).with("sub", 5),
        claims(&app).with("sub", json!(null)),
        claims(&app).with("exp", "tomorrow"),
        claims(&app).with("exp", json!(null)),
    ] {
        assert_refused(&app, &sign_hs256(&claims, JWT_SECRET)).await;
    }
}

#[tokio::test]
async fn times_have_a_minute_of_leeway() {
    let app = TestApp::new().await;
    let now = unix_seconds(&app.clock);
    let with = |name: &str, at: i64| sign_hs256(&claims(&app).with(name, at), JWT_SECRET);
    assert_accepted(&app, &with("exp", now - 59)).await;
    assert_refused(&app, &with("exp", now - 61)).await;
    assert_accepted(&app, &with("nbf", now + 59)).await;
    assert_refused(&app, &with("nbf", now + 61)).await;
    assert_accepted(&app, &with("nbf", now - 3600)).await;

    let token = with("exp", now + 10);
    app.clock.advance(Duration::from_secs(69));
    assert_accepted(&app, &token).await;
    app.clock.advance(Duration::from_secs(2));
    assert_refused(&app, &token).await;
}

#[tokio::test]
async fn issuer_and_audience_are_checked_when_they_are_set() {
    let app = TestApp::with(|options| {
        options.api.auth.issuer = Some("https://issuer.test".to_owned());
        options.api.auth.audience = Some("uploads".to_owned());
    })
    .await;
    let right = claims(&app)
        .with("iss", "https://issuer.test")
        .with("aud", "uploads");
    let token = |claims: &Claims| sign_hs256(claims, JWT_SECRET);
    assert_accepted(&app, &token(&right)).await;
    let several = right.clone().with("aud", json!(["x", "uploads"]));
    assert_accepted(&app, &token(&several)).await;
    for wrong in [
        right.clone().without("iss"),
        right.clone().without("aud"),
        right.clone().with("iss", "https://issuer.test/"),
        right.clone().with("iss", "https://other.test"),
        right
            .clone()
            .with("iss", json!(["https://issuer.test", "x"])),
        right.clone().with("aud", "other"),
        right.clone().with("aud", json!([])),
        right.clone().with("aud", json!(["x", "y"])),
    ] {
        assert_refused(&app, &token(&wrong)).await;
    }
}

#[tokio::test]
async fn issuer_and_audience_do_not_matter_when_they_are_not_set() {
    let app = TestApp::new().await;
    let claims = claims(&app)
        .with("iss", "anybody")
        .with("aud", json!(["anything"]));
    assert_accepted(&app, &sign_hs256(&claims, JWT_SECRET)).await;
}
