//! What `POST /sessions` lets in, and how often (CONTRACT sections 1.1 and 5).

use std::time::Duration;

use moc_uploads_testkit::app::{Caller, LocalFile, Response, SESSIONS, TestApp, create_body};
use serde_json::json;

use crate::{MINUTE, count, together};

const MIB: u64 = 1024 * 1024;

const PICTURES: [&str; 5] = [
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
];

const LISTS: [&str; 9] = [
    "text/csv",
    "application/csv",
    "text/plain",
    "application/json",
    "text/json",
    "application/xml",
    "text/xml",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

fn pdf() -> LocalFile {
    LocalFile::pdf("castle.pdf", 10)
}

async fn create(caller: &Caller, files: &[LocalFile]) -> Response {
    caller.post(SESSIONS).json(&create_body(files)).await
}

#[tokio::test]
async fn each_category_takes_its_types_and_no_others() {
    let app = TestApp::with(|options| options.settings.daily_limit = None).await;
    let alice = app.user("alice");
    let all: Vec<&str> = ["application/pdf", "text/html", "application/octet-stream"]
        .into_iter()
        .chain(PICTURES)
        .chain(LISTS)
        .collect();
    for (file, allowed) in [
        (LocalFile::pdf("f", 10), &["application/pdf"][..]),
        (LocalFile::image("f", 10), &PICTURES[..]),
        (LocalFile::thumbnail("f", 10), &PICTURES[..]),
        (LocalFile::csv("f", 10), &LISTS[..]),
    ] {
        for media_type in &all {
            let file = file.clone().with("type", *media_type);
            let response = create(&alice, &[pdf(), file]).await;
            if allowed.contains(media_type) {
                response.expect(201);
            } else {
                response.refused(415, "UNSUPPORTED_MEDIA_TYPE");
            }
        }
    }
}

#[tokio::test]
async fn sizes_are_limited_to_the_byte() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    for (file, max_bytes) in [
        (LocalFile::pdf("f", 10), 50 * MIB),
        (LocalFile::image("f", 10), 10 * MIB),
        (LocalFile::thumbnail("f", 10), 10 * MIB),
        (LocalFile::csv("f", 10), 5 * MIB),
    ] {
        let largest = file.clone().with("size", max_bytes);
        create(&alice, &[pdf(), largest]).await.expect(201);
        let larger = file.with("size", max_bytes + 1);
        create(&alice, &[pdf(), larger])
            .await
            .refused(413, "FILE_TOO_LARGE");
    }
}

#[tokio::test]
async fn limits_can_be_configured() {
    let app = TestApp::with(|options| {
        options.settings.policy.pdf_max_bytes = 100;
        options.settings.policy.image_max_count = 1;
    })
    .await;
    let alice = app.user("alice");
    create(&alice, &[LocalFile::pdf("f", 101)])
        .await
        .refused(413, "FILE_TOO_LARGE");
    let (image, thumbnail) = (LocalFile::image("i", 10), LocalFile::thumbnail("t", 10));
    create(&alice, &[pdf(), image.clone()]).await.expect(201);
    create(&alice, &[pdf(), image, thumbnail])
        .await
        .refused(400, "FILE_COUNT_EXCEEDED");
}

#[tokio::test]
async fn images_with_thumbnails_and_parts_lists_are_counted() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let mut files = vec![pdf()];
    files.extend((0..19).map(|n| LocalFile::image(&format!("image {n}"), 10)));
    files.push(LocalFile::thumbnail("thumbnail", 10));
    files.extend((0..5).map(|n| LocalFile::csv(&format!("list {n}"), 10)));
    create(&alice, &files).await.expect(201);
    for extra in [
        LocalFile::image("extra", 10),
        LocalFile::thumbnail("extra", 10),
        LocalFile::csv("extra", 10),
    ] {
        let mut files = files.clone();
        files.push(extra);
        create(&alice, &files)
            .await
            .refused(400, "FILE_COUNT_EXCEEDED");
    }
}

#[tokio::test]
async fn without_an_instruction_there_is_no_session() {
    let app = TestApp::new().await;
    let files = [LocalFile::image("i", 10), LocalFile::csv("l", 10)];
    create(&app.user("alice"), &files)
        .await
        .refused(400, "BAD_REQUEST");
}

#[tokio::test]
async fn the_daily_limit_ends_at_midnight() {
    let app = TestApp::with(|options| options.settings.daily_limit = Some(2)).await;
    let alice = app.user("alice");
    for _ in 0..2 {
        create(&alice, &[pdf()]).await.expect(201);
    }
    app.clock.advance(Duration::from_millis(500));
    let refused = create(&alice, &[pdf()]).await;
    let problem = refused.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!(problem["nextAllowedAt"], "2026-01-26T00:00:00.000Z");
    let seconds = problem["retryAfterSeconds"].as_u64().unwrap();
    // The clock started at noon. Rounded down or up, never to nothing.
    assert!((12 * 3600 - 1..=12 * 3600).contains(&seconds), "{seconds}");
    assert_eq!(refused.header("retry-after"), seconds.to_string());

    create(&app.user("bob"), &[pdf()]).await.expect(201);
    app.clock.advance(12 * 60 * MINUTE);
    create(&alice, &[pdf()]).await.expect(201);
}

#[tokio::test]
async fn only_sessions_that_were_created_count() {
    let app = TestApp::with(|options| options.settings.daily_limit = Some(1)).await;
    let alice = app.user("alice");
    for _ in 0..3 {
        create(&alice, &[]).await.refused(422, "VALIDATION_ERROR");
        create(&alice, &[LocalFile::image("i", 1)])
            .await
            .refused(400, "BAD_REQUEST");
    }
    let session = alice.create_session(&[pdf()]).await;
    alice
        .delete(format!("{SESSIONS}/{session}"))
        .await
        .expect(204);
    create(&alice, &[pdf()])
        .await
        .refused(429, "TOO_MANY_REQUESTS");
}

#[tokio::test]
async fn without_a_limit_nobody_is_refused() {
    let app = TestApp::with(|options| options.settings.daily_limit = None).await;
    for _ in 0..101 {
        create(&app.user("alice"), &[pdf()]).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creates_at_once_are_admitted_up_to_the_limit() {
    let app = TestApp::with(|options| options.settings.daily_limit = Some(5)).await;
    let alice = app.user("alice");
    let body = create_body(&[pdf()]);
    let responses = together((0..16).map(|_| alice.post(SESSIONS).json(&body))).await;
    assert_eq!((count(&responses, 201), count(&responses, 429)), (5, 11));
    let listed = alice.get(SESSIONS).await.expect(200).json();
    assert_eq!(listed["pagination"]["total"], 5);
}

#[tokio::test]
async fn an_idempotency_key_gives_the_first_answer_again() {
    let app = TestApp::with(|options| options.settings.daily_limit = Some(1)).await;
    let alice = app.user("alice");
    let body = create_body(&[pdf()]);
    let send = || {
        alice
            .post(SESSIONS)
            .json(&body)
            .header("idempotency-key", "key-1")
    };
    let first = send().await.expect(201);
    app.clock
        .advance(24 * 60 * MINUTE - Duration::from_millis(1));
    for _ in 0..2 {
        let again = send().await.expect(201);
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(again.header("location"), first.header("location"));
    }
    assert!(!first.has_header("idempotency-replayed"));
    let listed = alice.get(SESSIONS).await.expect(200).json();
    assert_eq!(listed["pagination"]["total"], 1);
}

#[tokio::test]
async fn an_idempotency_key_is_the_users_own_and_lasts_a_day() {
    let app = TestApp::new().await;
    let body = create_body(&[pdf()]);
    let send = |user: &str| {
        let post = app.user(user).post(SESSIONS).json(&body);
        post.header("idempotency-key", "key-1")
    };
    let first = send("alice").await.expect(201);
    let other = send("bob").await.expect(201);
    assert_ne!(first.body, other.body);
    assert!(!other.has_header("idempotency-replayed"));
    app.clock
        .advance(24 * 60 * MINUTE + Duration::from_millis(1));
    let next_day = send("alice").await.expect(201);
    assert_ne!(next_day.json()["sessionId"], first.json()["sessionId"]);
    assert!(!next_day.has_header("idempotency-replayed"));
}

#[tokio::test]
async fn an_idempotency_key_with_another_body_is_422() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let post = |body| {
        let post = alice.post(SESSIONS).json(&body);
        post.header("idempotency-key", "key-1")
    };
    post(create_body(&[pdf()])).await.expect(201);
    let mut other = create_body(&[pdf()]);
    other["allowDuplicates"] = json!(true);
    post(other).await.refused(422, "VALIDATION_ERROR");
    post(create_body(&[LocalFile::pdf("other", 10)]))
        .await
        .refused(422, "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_refused_request_does_not_use_up_its_idempotency_key() {
    let app = TestApp::with(|options| options.settings.daily_limit = Some(1)).await;
    let alice = app.user("alice");
    create(&alice, &[pdf()]).await.expect(201);
    let body = create_body(&[pdf()]);
    let send = || {
        alice
            .post(SESSIONS)
            .json(&body)
            .header("idempotency-key", "key-1")
    };
    send().await.refused(429, "TOO_MANY_REQUESTS");
    app.clock.advance(12 * 60 * MINUTE);
    let created = send().await.expect(201);
    assert!(!created.has_header("idempotency-replayed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_used_at_once_makes_one_session() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let body = create_body(&[pdf()]);
    let send = |_| {
        alice
            .post(SESSIONS)
            .json(&body)
            .header("idempotency-key", "key-1")
    };
    let responses = together((0..16).map(send)).await;
    let mut answers: Vec<_> = Vec::new();
    for response in &responses {
        // A second one waits or gets 409.
        match response.status.as_u16() {
            201 => answers.push(response.body.clone()),
            _ => drop(response.refused(409, "CONFLICT")),
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let first_time = |response: &&Response| {
        response.status == 201 && !response.has_header("idempotency-replayed")
    };
    assert_eq!(responses.iter().filter(first_time).count(), 1);
    let listed = alice.get(SESSIONS).await.expect(200).json();
    assert_eq!(listed["pagination"]["total"], 1);
}
