//! `POST /sessions` (CONTRACT section 1.1).

use moc_uploads_core::time::Clock;
use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, create_body, session_path};
use serde_json::{Value, json};

use crate::{MINUTE, instant, members};

/// A valid body with one file.
fn body() -> Value {
    create_body(&[LocalFile::pdf("castle.pdf", 2000)])
}

#[tokio::test]
async fn answers_with_the_session_and_where_it_is() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let created = alice.post(SESSIONS).json(&body()).await.expect(201);
    let json = created.json();
    assert_eq!(
        members(&json),
        ["expiresAt", "partSizeBytes", "sessionId"],
        "flat, and nothing else"
    );
    assert_eq!(json["partSizeBytes"], 1024);
    assert_eq!(instant(&json["expiresAt"]), app.clock.now() + 15 * MINUTE);
    let id = json["sessionId"].as_str().unwrap();
    assert_eq!(id.parse::<uuid::Uuid>().unwrap().to_string(), id);
    assert!(created.header("location").ends_with(&session_path(id)));
    assert!(!created.has_header("idempotency-replayed"));
    alice.get(created.header("location")).await.expect(200);
}

#[tokio::test]
async fn a_session_may_live_as_long_as_is_configured() {
    let app = TestApp::with(|options| options.settings.session_ttl = 3 * MINUTE).await;
    let created = app
        .user("alice")
        .post(SESSIONS)
        .json(&body())
        .await
        .expect(201);
    assert_eq!(
        instant(&created.json()["expiresAt"]),
        app.clock.now() + 3 * MINUTE
    );
}

#[tokio::test]
async fn a_file_of_more_than_10000_parts_gets_larger_parts() {
    let app = TestApp::new().await;
    let largest = LocalFile::pdf("a", 0).with("size", 50 * 1024 * 1024);
    let created = app
        .user("alice")
        .post(SESSIONS)
        .json(&create_body(&[largest]))
        .await
        .expect(201);
    let part_size = created.json()["partSizeBytes"].as_u64().unwrap();
    assert!((50 * 1024 * 1024_u64).div_ceil(part_size) <= 10_000);
}

#[tokio::test]
async fn members_that_are_not_known_are_ignored() {
    let app = TestApp::new().await;
    let mut body = body();
    body["colour"] = json!({ "of": ["bricks"] });
    body["files"][0]["lastModified"] = json!(1);
    app.user("alice")
        .post(SESSIONS)
        .json(&body)
        .await
        .expect(201);
}

#[tokio::test]
async fn fields_that_cannot_be_right_are_named() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let long = |count: usize| json!("é".repeat(count));
    let wrong: &[(&str, Value)] = &[
        ("/files", json!([])),
        ("/files", json!(null)),
        ("/files", json!({})),
        ("/files", json!("castle.pdf")),
        ("/files/0", json!("castle.pdf")),
        ("/files/0", json!(null)),
        ("/files/0/category", json!("blueprint")),
        ("/files/0/category", json!("Instruction")),
        ("/files/0/category", json!(1)),
        ("/files/0/category", json!(null)),
        ("/files/0/name", json!("")),
        ("/files/0/name", long(256)),
        ("/files/0/name", json!(["castle.pdf"])),
        ("/files/0/name", json!(null)),
        ("/files/0/size", json!(0)),
        ("/files/0/size", json!(-1)),
        ("/files/0/size", json!(0.5)),
        ("/files/0/size", json!(1e30)),
        ("/files/0/size", json!("2000")),
        ("/files/0/size", json!(null)),
        ("/files/0/type", json!("")),
        ("/files/0/type", json!("pdf")),
        ("/files/0/type", json!(7)),
        ("/files/0/ext", json!("")),
        ("/files/0/ext", json!("01234567890")),
        ("/files/0/ext", json!({})),
        ("/files/0/key", json!("")),
        ("/files/0/key", json!(5)),
        ("/files/0/hash", json!("abc")),
        ("/files/0/hash", json!("g".repeat(64))),
        ("/files/0/hash", json!("a".repeat(129))),
        ("/files/0/hash", json!(1)),
        ("/allowDuplicates", json!("yes")),
        ("/fileHashes", json!("abc")),
        (
            "/fileHashes",
            json!([{ "key": "castle.pdf", "size": 2000 }]),
        ),
    ];
    for (pointer, value) in wrong {
        let mut body = body();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        match body.pointer_mut(parent).unwrap() {
            Value::Array(array) => array[member.parse::<usize>().unwrap()] = value.clone(),
            object => object[member] = value.clone(),
        }
        let refused = alice.post(SESSIONS).json(&body).await;
        let pointers = refused.invalid_pointers();
        assert!(
            pointers.iter().any(|found| found.starts_with(pointer)),
            "{pointer} {value}: {refused:?}"
        );
    }
    for member in ["category", "name", "size", "type", "ext"] {
        let mut body = body();
        body["files"][0].as_object_mut().unwrap().remove(member);
        let refused = alice.post(SESSIONS).json(&body).await;
        let pointers = refused.invalid_pointers();
        assert!(
            pointers.iter().any(|found| found.starts_with("/files/0")),
            "without {member}: {refused:?}"
        );
        assert!(
            String::from_utf8_lossy(&refused.body).contains(member),
            "{refused:?}"
        );
    }
    alice
        .post(SESSIONS)
        .json(&json!([]))
        .await
        .refused(422, "VALIDATION_ERROR");
    alice
        .post(SESSIONS)
        .json(&json!({}))
        .await
        .refused(422, "VALIDATION_ERROR");
    assert_eq!(
        alice.get(SESSIONS).await.json()["pagination"]["total"],
        0,
        "nothing was created"
    );
}

#[tokio::test]
async fn several_wrong_fields_are_all_named() {
    let app = TestApp::new().await;
    let mut body = body();
    body["files"][0]["name"] = json!("");
    body["files"][0]["ext"] = json!("");
    body["files"][0]["size"] = json!(0);
    let refused = app.user("alice").post(SESSIONS).json(&body).await;
    let mut pointers = refused.invalid_pointers();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/files/0/ext", "/files/0/name", "/files/0/size"]);
}

#[tokio::test]
async fn lengths_are_counted_in_characters() {
    let app = TestApp::new().await;
    let file = LocalFile::pdf("k", 10)
        .with("name", "é".repeat(255))
        .with("ext", "0123456789");
    app.user("alice")
        .post(SESSIONS)
        .json(&create_body(&[file]))
        .await
        .expect(201);
}

#[tokio::test]
async fn a_member_that_stands_twice_is_422() {
    let app = TestApp::new().await;
    let file =
        r#"{"category":"instruction","name":"a","size":1,"type":"application/pdf","ext":"pdf"}"#;
    let twice_in_file = r#"{"category":"instruction","name":"a","name":"a","size":1,"type":"application/pdf","ext":"pdf"}"#;
    for body in [
        format!(r#"{{"files":[{file}],"files":[{file}]}}"#),
        format!(r#"{{"files":[{twice_in_file}]}}"#),
    ] {
        app.user("alice")
            .post(SESSIONS)
            .bytes(body)
            .header("content-type", "application/json")
            .await
            .refused(422, "VALIDATION_ERROR");
    }
}

#[tokio::test]
async fn broken_json_or_no_body_is_400() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for body in [
        "",
        "{",
        "{\"files\": [}",
        "nonsense",
        "{} trailing",
        "\u{feff}",
    ] {
        alice
            .post(SESSIONS)
            .bytes(body)
            .header("content-type", "application/json")
            .await
            .refused(400, "BAD_REQUEST");
    }
    alice
        .post(SESSIONS)
        .bytes(&b"{\"files\":\"\xff\"}"[..])
        .header("content-type", "application/json")
        .await
        .refused(400, "BAD_REQUEST");
    alice.post(SESSIONS).await.refused(400, "BAD_REQUEST");
}

#[tokio::test]
async fn two_files_with_one_key_are_422() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let pdf = LocalFile::pdf("a", 10);
    for files in [
        // The key is the name where none is given.
        [pdf.clone(), LocalFile::image("a", 10)],
        [pdf.clone(), LocalFile::image("b", 10).with("key", "a")],
        [
            LocalFile::pdf("a", 10).with("key", "k"),
            LocalFile::pdf("b", 10).with("key", "k"),
        ],
    ] {
        alice
            .post(SESSIONS)
            .json(&create_body(&files))
            .await
            .invalid_pointers();
    }
    let apart = [
        pdf.with("key", "1"),
        LocalFile::image("a", 10).with("key", "2"),
    ];
    alice
        .post(SESSIONS)
        .json(&create_body(&apart))
        .await
        .expect(201);
}

#[tokio::test]
async fn what_is_checked_first_is_refused_first() {
    let app = TestApp::with(|options| options.settings.daily_limit = Some(1)).await;
    let alice = app.user("alice");
    let bytes = LocalFile::pdf("a", 10).with("hash", "a".repeat(32));
    alice.upload_all(std::slice::from_ref(&bytes)).await;
    // From the last check to the first, each request fails all checks that come after.
    let over_the_limit = create_body(&[LocalFile::pdf("b", 10)]);
    alice
        .post(SESSIONS)
        .json(&over_the_limit)
        .await
        .refused(429, "TOO_MANY_REQUESTS");
    let duplicate = create_body(std::slice::from_ref(&bytes));
    alice
        .post(SESSIONS)
        .json(&duplicate)
        .await
        .refused(409, "DUPLICATE_FILE");
    let policy = create_body(&[
        bytes.clone(),
        LocalFile::image("i", 1).with("type", "text/html"),
    ]);
    alice
        .post(SESSIONS)
        .json(&policy)
        .await
        .refused(415, "UNSUPPORTED_MEDIA_TYPE");
    let schema = create_body(&[
        bytes,
        LocalFile::image("i", 1)
            .with("type", "text/html")
            .with("ext", ""),
    ]);
    alice
        .post(SESSIONS)
        .json(&schema)
        .await
        .refused(422, "VALIDATION_ERROR");
    let broken = alice.post(SESSIONS).bytes("{\"files\": [{\"ext\": \"\"}");
    broken
        .header("content-type", "application/json")
        .await
        .refused(400, "BAD_REQUEST");
    app.anonymous()
        .post(SESSIONS)
        .bytes("{")
        .await
        .refused(401, "UNAUTHORIZED");
}
