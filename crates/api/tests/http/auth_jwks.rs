//! Who is calling (CONTRACT section 3): tokens verified with the keys of an identity provider.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use moc_uploads_api::auth::AuthKeys;
use moc_uploads_testkit::app::{
    Claims, LocalFile, SESSIONS, TestApp, sign, sign_hs256, unix_seconds,
};
use serde_json::{Value, json};

use crate::{count, together};

/// An identity provider's key pair.
struct KeyPair {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
}

fn rsa(kid: &'static str, pem: &str) -> KeyPair {
    KeyPair {
        kid,
        algorithm: Algorithm::RS256,
        key: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap(),
    }
}

fn ec(kid: &'static str, pem: &str) -> KeyPair {
    KeyPair {
        kid,
        algorithm: Algorithm::ES256,
        key: EncodingKey::from_ec_pem(pem.as_bytes()).unwrap(),
    }
}

fn rsa_1() -> KeyPair {
    rsa("rsa-1", include_str!("keys/rsa-1.pem"))
}

fn ec_1() -> KeyPair {
    ec("ec-1", include_str!("keys/ec-1.pem"))
}

fn ec_2() -> KeyPair {
    ec("ec-2", include_str!("keys/ec-2.pem"))
}

impl KeyPair {
    fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Claims) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(self.kid.to_owned());
        sign(&header, claims, &self.key)
    }
}

/// An identity provider on a port of its own.
#[derive(Clone)]
struct Provider {
    address: SocketAddr,
    answer: Arc<Mutex<(StatusCode, String)>>,
    fetch_count: Arc<AtomicUsize>,
}

impl Provider {
    async fn publishing(keys: &[&KeyPair]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: listener.local_addr().unwrap(),
            answer: Arc::default(),
            fetch_count: Arc::default(),
        };
        provider.publish(keys);
        let shared = provider.clone();
        let keys = get(async move || {
            shared.fetch_count.fetch_add(1, Ordering::SeqCst);
            shared.answer.lock().unwrap().clone().into_response()
        });
        let router = Router::new().route("/.well-known/jwks.json", keys);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    fn publish(&self, keys: &[&KeyPair]) {
        let keys: Vec<Value> = keys.iter().map(|key| key.public()).collect();
        self.answer(StatusCode::OK, json!({ "keys": keys }).to_string());
    }

    fn answer(&self, status: StatusCode, body: String) {
        *self.answer.lock().unwrap() = (status, body);
    }

    fn fetch_count(&self) -> usize {
        self.fetch_count.load(Ordering::SeqCst)
    }
}

async fn app_of(address: SocketAddr) -> TestApp {
    TestApp::with(|options| {
        let url = format!("http://{address}/.well-known/jwks.json");
        options.api.auth.keys = AuthKeys::Jwks(url.parse().unwrap());
    })
    .await
}

fn claims(app: &TestApp) -> Claims {
    Claims::new("alice", &app.clock)
}

async fn assert_accepted(app: &TestApp, token: &str) {
    app.bearer(token).get(SESSIONS).await.expect(200);
}

async fn assert_refused(app: &TestApp, token: &str) {
    app.bearer(token)
        .get(SESSIONS)
        .await
        .refused(401, "UNAUTHORIZED");
}

async fn assert_unavailable(app: &TestApp, token: &str) {
    app.bearer(token)
        .get(SESSIONS)
        .await
        .refused(503, "AUTH_UNAVAILABLE");
}

#[tokio::test]
async fn both_kinds_of_keys_are_taken_and_fetched_once() {
    let (rsa, ec) = (rsa_1(), ec_1());
    let provider = Provider::publishing(&[&rsa, &ec]).await;
    let app = app_of(provider.address).await;
    for key in [&rsa, &ec, &rsa, &ec] {
        assert_accepted(&app, &key.sign(&claims(&app))).await;
    }
    assert_eq!(provider.fetch_count(), 1);
    let alice = app.bearer(ec.sign(&claims(&app)));
    alice.create_session(&[LocalFile::pdf("a", 10)]).await;
    let bob = app.bearer(ec.sign(&claims(&app).with("sub", "bob")));
    let listed = bob.get(SESSIONS).await.expect(200).json();
    assert_eq!(listed["pagination"]["total"], 0);
}

#[tokio::test]
async fn nothing_is_fetched_before_it_is_needed() {
    let provider = Provider::publishing(&[&ec_1()]).await;
    let app = app_of(provider.address).await;
    app.anonymous()
        .get(SESSIONS)
        .await
        .refused(401, "UNAUTHORIZED");
    assert_refused(&app, "nonsense").await;
    app.anonymous().get("/healthz").await.expect(200);
    assert_eq!(provider.fetch_count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_fetch_once() {
    let key = ec_1();
    let provider = Provider::publishing(&[&key]).await;
    let app = app_of(provider.address).await;
    let caller = app.bearer(key.sign(&claims(&app)));
    let responses = together((0..16).map(|_| caller.get(SESSIONS))).await;
    assert_eq!(count(&responses, 200), 16);
    assert_eq!(provider.fetch_count(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_but_not_asked_for_more_than_once_a_minute() {
    let (old, new) = (ec_1(), ec_2());
    let provider = Provider::publishing(&[&old]).await;
    let app = app_of(provider.address).await;
    assert_accepted(&app, &old.sign(&claims(&app))).await;

    provider.publish(&[&old, &new]);
    app.clock.advance(Duration::from_secs(59));
    for _ in 0..3 {
        assert_refused(&app, &new.sign(&claims(&app))).await;
    }
    assert_eq!(provider.fetch_count(), 1);
    app.clock.advance(Duration::from_secs(1));
    assert_accepted(&app, &new.sign(&claims(&app))).await;
    assert_accepted(&app, &old.sign(&claims(&app))).await;
    assert_eq!(provider.fetch_count(), 2);

    // Made-up ids are no way to make the server ask.
    for kid in ["x", "y", "z"] {
        let made_up = KeyPair { kid, ..ec_1() };
        assert_refused(&app, &made_up.sign(&claims(&app))).await;
    }
    assert_eq!(provider.fetch_count(), 2);
    app.clock.advance(Duration::from_secs(60));
    for kid in ["x", "y", "z"] {
        let made_up = KeyPair { kid, ..ec_1() };
        assert_refused(&app, &made_up.sign(&claims(&app))).await;
    }
    assert_eq!(provider.fetch_count(), 3);
}

#[tokio::test]
async fn a_key_that_was_withdrawn_is_forgotten() {
    let (old, new) = (ec_1(), ec_2());
    let provider = Provider::publishing(&[&old]).await;
    let app = app_of(provider.address).await;
    assert_accepted(&app, &old.sign(&claims(&app))).await;
    provider.publish(&[&new]);
    app.clock.advance(Duration::from_secs(60));
    assert_accepted(&app, &new.sign(&claims(&app))).await;
    assert_refused(&app, &old.sign(&claims(&app))).await;
}

/// One that was let in before is no exception.
#[tokio::test]
async fn a_token_counts_as_long_as_its_key_and_its_time() {
    let hour = Duration::from_secs(60 * 60);
    for has_successor in [true, false] {
        let key = ec_1();
        let provider = Provider::publishing(&[&key, &rsa_1()]).await;
        let app = app_of(provider.address).await;
        let long = claims(&app).with("exp", unix_seconds(&app.clock) + 2 * 3600);
        let long = key.sign(&long);
        let short = claims(&app).with("exp", unix_seconds(&app.clock) + 60);
        let short = key.sign(&short);
        for token in [&long, &short, &long, &short] {
            assert_accepted(&app, token).await;
        }
        app.clock.advance(Duration::from_secs(120));
        assert_refused(&app, &short).await;
        assert_accepted(&app, &long).await;

        let other = KeyPair {
            kid: if has_successor { key.kid } else { "other" },
            ..ec_2()
        };
        provider.publish(&[&other]);
        app.clock.advance(hour);
        assert_refused(&app, &long).await;
        assert_accepted(&app, &other.sign(&claims(&app))).await;
    }
}

#[tokio::test]
async fn a_provider_that_is_out_of_reach_is_503_and_lets_nobody_in() {
    // A port on which nobody listens.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let app = app_of(address).await;
    let key = ec_1();
    assert_unavailable(&app, &key.sign(&claims(&app))).await;
    let expired = claims(&app).with("exp", unix_seconds(&app.clock) - 3600);
    assert_unavailable(&app, &key.sign(&expired)).await;
    // What can be told without keys is told.
    app.anonymous()
        .get(SESSIONS)
        .await
        .refused(401, "UNAUTHORIZED");
    assert_refused(&app, &sign_hs256(&claims(&app), "")).await;
}

#[tokio::test]
async fn a_provider_that_answers_nonsense_is_503_until_it_recovers() {
    let key = ec_1();
    let provider = Provider::publishing(&[&key]).await;
    let app = app_of(provider.address).await;
    for (status, body) in [
        (StatusCode::INTERNAL_SERVER_ERROR, "{}"),
        (StatusCode::NOT_FOUND, "{\"keys\": []}"),
        (StatusCode::OK, "<html>"),
        (StatusCode::OK, ""),
        (StatusCode::OK, "{\"keys\": 5}"),
    ] {
        provider.answer(status, body.to_owned());
        app.clock.advance(Duration::from_secs(60));
        assert_unavailable(&app, &key.sign(&claims(&app))).await;
    }
    provider.publish(&[&key]);
    app.clock.advance(Duration::from_secs(60));
    assert_accepted(&app, &key.sign(&claims(&app))).await;
}

#[tokio::test]
async fn keys_that_are_known_outlast_their_provider() {
    let key = ec_1();
    let provider = Provider::publishing(&[&key]).await;
    let app = app_of(provider.address).await;
    assert_accepted(&app, &key.sign(&claims(&app))).await;
    provider.answer(StatusCode::BAD_GATEWAY, String::new());
    app.clock.advance(Duration::from_secs(24 * 3600));
    assert_accepted(&app, &key.sign(&claims(&app))).await;
    assert_eq!(provider.fetch_count(), 2);
    // Whoever has a known key waits once a minute at most for a provider that may be silent.
    app.clock.advance(Duration::from_secs(59));
    assert_accepted(&app, &key.sign(&claims(&app))).await;
    assert_eq!(provider.fetch_count(), 2);
    // An unknown one can't be judged.
    assert_unavailable(&app, &ec_2().sign(&claims(&app))).await;
}

#[tokio::test]
async fn algorithms_can_not_be_mixed_up() {
    let (rsa, ec) = (rsa_1(), ec_1());
    let provider = Provider::publishing(&[&rsa, &ec]).await;
    let app = app_of(provider.address).await;
    let claims = claims(&app);
    assert_accepted(&app, &rsa.sign(&claims)).await;

    // The public key as a secret, in every form that it has.
    let public_pem = include_str!("keys/rsa-1-public.pem");
    let jwk = rsa.public();
    for secret in [
        public_pem,
        public_pem.trim(),
        jwk["n"].as_str().unwrap(),
        &jwk.to_string(),
        "",
    ] {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some("rsa-1".to_owned());
        let key = EncodingKey::from_secret(secret.as_bytes());
        assert_refused(&app, &sign(&header, &claims, &key)).await;
    }
    // An algorithm that is not ours, with the right key.
    for algorithm in [Algorithm::RS512, Algorithm::PS256] {
        let mut header = Header::new(algorithm);
        header.kid = Some("rsa-1".to_owned());
        assert_refused(&app, &sign(&header, &claims, &rsa.key)).await;
    }
    // The name of one key with the signature of another.
    let confused = KeyPair {
        kid: "rsa-1",
        ..ec_1()
    };
    assert_refused(&app, &confused.sign(&claims)).await;
    let impostor = KeyPair {
        kid: "ec-1",
        ..ec_2()
    };
    assert_refused(&app, &impostor.sign(&claims)).await;

    let token = ec.sign(&claims);
    let payload = token.split('.').nth(1).unwrap();
    // {"alg":"none","kid":"ec-1"}
    let none = "eyJhbGciOiJub25lIiwia2lkIjoiZWMtMSJ9";
    assert_refused(&app, &format!("{none}.{payload}.")).await;
    let bob = ec.sign(&claims.with("sub", "bob"));
    let payload = bob.split('.').nth(1).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    assert_refused(&app, &[parts[0], payload, parts[2]].join(".")).await;
}

#[tokio::test]
async fn claims_are_checked_as_with_a_secret() {
    let key = ec_1();
    let provider = Provider::publishing(&[&key]).await;
    let url = format!("http://{}/.well-known/jwks.json", provider.address);
    let app = TestApp::with(|options| {
        options.api.auth.keys = AuthKeys::Jwks(url.parse().unwrap());
        options.api.auth.issuer = Some("https://cognito.test/pool".to_owned());
        options.api.auth.audience = Some("client".to_owned());
    })
    .await;
    // As Cognito writes an id token.
    let right = claims(&app)
        .with("iss", "https://cognito.test/pool")
        .with("aud", "client")
        .with("token_use", "id")
        .with("cognito:groups", json!(["admin"]))
        .with("cognito:username", "alice");
    assert_accepted(&app, &key.sign(&right)).await;
    let now = unix_seconds(&app.clock);
    assert_accepted(&app, &key.sign(&right.clone().with("exp", now - 59))).await;
    for wrong in [
        right.clone().with("iss", "https://cognito.test/other"),
        right.clone().with("aud", "other"),
        right.clone().without("aud"),
        right.clone().without("sub"),
        right.clone().without("exp"),
        right.clone().with("exp", now - 61),
        right.clone().with("nbf", now + 61),
    ] {
        assert_refused(&app, &key.sign(&wrong)).await;
    }
}

#[tokio::test]
async fn keys_of_other_kinds_do_not_spoil_the_set() {
    let key = ec_1();
    let provider = Provider::publishing(&[&key]).await;
    let mut encryption = rsa_1().public();
    encryption["use"] = json!("enc");
    let keys = json!([
        { "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
        { "kty": "of the future", "kid": "f" },
        { "kty": "oct", "kid": "oct", "k": "c2VjcmV0" },
        encryption,
        key.public(),
    ]);
    provider.answer(StatusCode::OK, json!({ "keys": keys }).to_string());
    let app = app_of(provider.address).await;
    assert_accepted(&app, &key.sign(&claims(&app))).await;
    assert_refused(&app, &rsa_1().sign(&claims(&app))).await;
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("oct".to_owned());
    let symmetric = EncodingKey::from_secret(b"secret");
    assert_refused(&app, &sign(&header, &claims(&app), &symmetric)).await;
}
