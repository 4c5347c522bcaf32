//! What operators read (CONTRACT sections 1, 1.5 and 1.7).

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use moc_uploads_testkit::app::{LocalFile, RemoteFile, TestApp, session_path};
use moc_uploads_testkit::faults::{Fault, SECRET};
use serde_json::Value;
use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use crate::{MINUTE, presigned};

/// The lines that this thread has written.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From now on, on this thread, until the guard is dropped.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        Self::down_to(Level::TRACE)
    }

    /// As [`Log::start`], without what matters less.
    fn down_to(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(level)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines of this service.
    fn lines(&self) -> Vec<Value> {
        self.text()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &Value| line["target"].as_str().unwrap().starts_with("moc_uploads"))
            .collect()
    }

    pub(crate) fn with_message(&self, message: &str) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["fields"]["message"] == message);
        lines
    }

    fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn every_line_of_a_request_has_its_correlation_id() {
    let (log, _guard) = Log::start();
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    log.clear();
    let put = alice.put_part(&remote, 1, file.part(1, 1024));
    put.header("x-correlation-id", "of-this-request")
        .await
        .expect(200);
    let lines = log.lines();
    let messages: Vec<&Value> = lines
        .iter()
        .map(|line| &line["fields"]["message"])
        .collect();
    assert!(
        messages.contains(&&Value::from("part uploaded")),
        "{messages:?}"
    );
    assert!(
        lines.len() >= 2,
        "one of the state, one of the request: {lines:?}"
    );
    for line in lines {
        assert!(line.to_string().contains("of-this-request"), "{line}");
    }
}

#[tokio::test]
async fn each_change_of_state_is_a_line() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let (log, _guard) = Log::down_to(Level::INFO);
    let (finalized, remotes) = alice.upload_all(std::slice::from_ref(&file)).await;
    alice.finalize_call(&finalized, "Castle").await.expect(201);
    let cancelled = alice.create_session(std::slice::from_ref(&file)).await;
    let cancel = alice.delete(session_path(&cancelled)).await;
    cancel.expect(204);
    let expired = alice.create_session(std::slice::from_ref(&file)).await;
    app.clock.advance(15 * MINUTE);
    app.uploads.reap_sessions().await.unwrap();

    let created = ("session created", &["file_count", "total_size_bytes"][..]);
    let registered = ["file_id", "category", "size_bytes", "part_count"];
    let received = ["file_id", "part_number", "size_bytes", "elapsed_ms"];
    let completed = ["file_id", "category", "size_bytes", "elapsed_ms"];
    let freed = ("session storage freed", &["upload_count"][..]);
    for (id, expected) in [
        (
            &finalized,
            &[
                created,
                ("file registered", &registered),
                ("part uploaded", &received),
                ("file completed", &completed),
                ("session finalized", &["moc_id", "slug", "elapsed_ms"]),
            ][..],
        ),
        (
            &cancelled,
            &[created, ("session cancelled", &["elapsed_ms"]), freed],
        ),
        (
            &expired,
            &[created, ("session expired", &["expires_at"]), freed],
        ),
    ] {
        let mut lines = log.lines();
        lines.retain(|line| line["fields"]["session_id"] == **id);
        let messages: Vec<&Value> = lines
            .iter()
            .map(|line| &line["fields"]["message"])
            .collect();
        let expected_messages: Vec<&str> = expected.iter().map(|(message, _)| *message).collect();
        assert_eq!(messages, expected_messages);
        for (line, (message, names)) in lines.iter().zip(expected) {
            let fields = &line["fields"];
            for name in *names {
                assert!(!fields[name].is_null(), "no {name}: {line}");
            }
            if fields["file_id"].is_string() {
                assert_eq!(fields["file_id"], remotes[0].file_id);
            }
            // What the reaper does is no request; what it frees it has named just before.
            let user = match *message {
                "session expired" => &fields["user"],
                _ if line["span"].is_null() => continue,
                _ => &line["span"]["user"],
            };
            assert_eq!(user, "alice", "{line}");
        }
    }
}

#[tokio::test]
async fn what_a_filter_leaves_says_whose_it_is() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let id = alice.create_session(&[LocalFile::pdf("a", 1)]).await;
    for level in [Level::WARN, Level::ERROR] {
        let (log, _guard) = Log::down_to(level);
        app.session_faults.fail("session_detail", Fault::Internal);
        let get = alice.get(session_path(&id));
        let get = get.header("x-correlation-id", "of-this-request");
        get.await.refused(500, "INTERNAL_ERROR");
        let failed = log.with_message("request failed");
        assert_eq!(failed.len(), 1, "{}", log.text());
        assert_eq!(failed[0]["span"]["correlation_id"], "of-this-request");
        assert_eq!(failed[0]["span"]["user"], "alice");
    }
}

#[tokio::test]
async fn what_fails_in_the_background_says_why() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    alice.upload_all(&[LocalFile::pdf("a", 10)]).await;
    app.clock.advance(60 * MINUTE);
    app.object_faults.fail("abort_upload", Fault::Internal);
    let (log, _guard) = Log::down_to(Level::WARN);
    app.uploads.reap_sessions().await.unwrap();
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].to_string().contains(SECRET), "{lines:?}");
}

#[tokio::test]
async fn an_extension_is_told_once_and_in_full() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    app.clock.advance(10 * MINUTE);
    let (log, _guard) = Log::start();
    for part_number in 1..=3 {
        let part = file.part(part_number, 1024);
        alice.put_part(&remote, part_number, part).await.expect(200);
    }
    let lines = log.with_message("session extended");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let fields = &lines[0]["fields"];
    assert_eq!(fields["session_id"], id);
    assert_eq!(fields["old_expires_at"], "2026-01-25T12:15:00.000Z");
    assert_eq!(fields["new_expires_at"], "2026-01-25T12:40:00.000Z");
    assert_eq!(fields["action"], "upload_part");
}

#[tokio::test]
async fn completing_again_is_a_warning() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let parts = alice.put_parts(&remote, &file).await;
    alice.complete_call(&remote, &parts).await.expect(200);
    let (log, _guard) = Log::start();
    alice.complete_call(&remote, &parts).await.expect(200);
    let lines = log.lines();
    assert!(
        lines.iter().any(|line| line["level"] == "WARN"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_skipped_limit_is_a_warning_each_time() {
    let app = TestApp::with(|options| options.settings.daily_limit = None).await;
    let alice = app.user("alice");
    let (log, _guard) = Log::start();
    for _ in 0..2 {
        alice.create_session(&[LocalFile::pdf("a", 10)]).await;
    }
    let is_warning =
        |line: &&Value| line["level"] == "WARN" && line.to_string().contains("RATE_LIMIT_BYPASS");
    assert_eq!(log.lines().iter().filter(is_warning).count(), 2);
}

#[tokio::test]
async fn no_secret_and_no_content_is_written() {
    let (log, _guard) = Log::start();
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 40).holding(&b"%PDF-1.7 very private content"[..]);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let request = file.clone().with("partCount", 1);
    let registered = alice.register_call(&id, &request).await.expect(201).json();
    let mut entry = registered["presignedUrls"][0].clone();
    let url = entry["url"].as_str().unwrap().to_owned();
    let (_, signature) = url.split_once("ignature=").unwrap();
    let signature = signature.split('&').next().unwrap().to_owned();
    let put = async |entry: &Value| presigned::put(&app, entry, file.bytes.clone()).await.0;
    assert_eq!(put(&entry).await, 200);
    let altered = url
        .replace("/parts/1", "/parts/2")
        .replace("partNumber=1", "partNumber=2");
    entry["url"] = altered.into();
    assert_eq!(put(&entry).await, 403);
    let remote = RemoteFile::new(&id, &registered);
    let listed = alice.get(format!("{}/parts", remote.path)).await;
    alice
        .complete_call(&remote, &listed.json())
        .await
        .expect(200);
    let text = log.text();
    assert!(text.contains("file completed"));
    // A bucket says nothing of it.
    assert_eq!(text.contains("part uploaded"), app.bucket().is_none());
    let token = alice.token().unwrap();
    for secret in [
        &signature,
        "very private",
        &token,
        moc_uploads_testkit::app::JWT_SECRET,
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}
