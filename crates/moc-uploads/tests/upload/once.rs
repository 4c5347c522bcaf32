//! Without a server of ours: servers that can't be trusted, none at all, and command lines that nobody
//! meant. And with one on a disk of its own.

mod full_disk;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::fake::{Answer, Fake};
use super::place::{BINARY, Outcome, Place};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn part_sizes_that_can_be_none_are_refused() {
    let place = Place::new();
    let pdf = place.pdf(20_001);
    for (size, is_right) in [
        (0, false),
        (1, false),
        (2, false),
        (3, true),
        (u64::MAX, true),
    ] {
        let id = "0198c0de-0000-7000-8000-000000000001";
        let body = json!({"sessionId": id, "partSizeBytes": size});
        let fake = Fake::start("/sessions", move |_| Answer::Json(201, body.clone()));
        let outcome = Outcome::run(place.upload(&fake.url(), &[&pdf], &[]));
        if is_right {
            outcome.assert_status(0);
            continue;
        }
        outcome.assert_status(3);
        let said = format!("parts of {size} bytes");
        assert!(outcome.stderr.contains(&said), "{}", outcome.stderr);
        // It would be the same again.
        assert!(outcome.last().get("resumeCommand").is_none());
    }
}

#[test]
fn an_answer_without_end_is_not_read_to_its_end() {
    let place = Place::new();
    let pdf = place.pdf(100);
    for path_end in ["/sessions", "/parts/1"] {
        let fake = Fake::start(path_end, |_| Answer::Endless);
        let outcome = Outcome::run(place.upload(&fake.url(), &[&pdf], &[]));
        outcome.assert_status(3);
        assert!(outcome.stderr.contains("longer than"), "{}", outcome.stderr);
    }
}

#[test]
fn nothing_that_others_say_steers_the_terminal() {
    let place = Place::new();
    let pdf = place.file("a\x1b[31m\u{9b}2Jb.pdf", b"%PDF-1.7\n", 100);
    let nasty = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}";
    let refused = Fake::start("/complete", move |_| {
        Answer::Json(
            400,
            json!({"code": nasty, "detail": nasty, "correlationId": nasty}),
        )
    });
    let passing = Fake::start("/complete", move |count| match count {
        0 => Answer::Json(503, json!({"code": nasty, "detail": nasty})),
        _ => Answer::Json(200, json!({"fileUrl": nasty})),
    });
    let created = Fake::start("/finalize", move |_| {
        Answer::Json(201, json!({"id": nasty, "title": nasty, "slug": nasty}))
    });
    for (fake, status) in [(refused, 3), (passing, 0), (created, 0)] {
        for json in [&["--json"][..], &[]] {
            let output = Command::new(BINARY)
                .env_clear()
                .env("HOME", place.0.path())
                .args(["upload", "--title", "T", "--server", &fake.url()])
                .arg(&pdf)
                .args(json)
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(status), "{output:?}");
            for stream in [output.stdout, output.stderr] {
                let text = String::from_utf8(stream).unwrap();
                let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
                assert!(!text.contains(is_raw), "{text:?}");
            }
        }
    }
}

#[test]
fn a_password_in_the_url_is_refused_unsaid() {
    let place = Place::new();
    let pdf = place.pdf(100);
    for server in [
        "http://user:sesame@127.0.0.1:9",
        "http://user:sesame@127.0.0.1:99999",
    ] {
        let outcome = Outcome::run(place.upload(server, &[&pdf], &[]));
        outcome.assert_status(2);
        let said = format!("{}{:?}", outcome.stderr, outcome.events);
        assert!(
            said.contains("--server") && !said.contains("sesame"),
            "{said}"
        );
    }
    let help = Command::new(BINARY)
        .env_clear()
        .env("MOC_UPLOADS_URL", "http://user:sesame@127.0.0.1")
        .args(["upload", "--help"])
        .output()
        .unwrap();
    assert!(!String::from_utf8(help.stdout).unwrap().contains("sesame"));
}

#[test]
fn texts_are_checked_before_anything_is_hashed() {
    let place = Place::new();
    let pdf = place.pdf(100);
    let long = "x".repeat(51);
    let wrong = ["--tag", &long, "--theme", "\x1b[2J"];
    let outcome = Outcome::run(place.upload_as(" ", NOWHERE, &[&pdf], &wrong));
    outcome.assert_status(2);
    assert_eq!(outcome.events.len(), 1, "{:#?}", outcome.events);
    for option in ["--title", "--tag", "--theme"] {
        assert!(outcome.stderr.contains(option), "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains('\x1b'), "{:?}", outcome.stderr);
}

#[test]
fn a_file_is_taken_once_and_a_pipe_not_at_all() {
    let place = Place::new();
    let pdf = place.pdf(100);
    fs::create_dir(place.path("x")).unwrap();
    let again = place.path("x/../castle.pdf");
    let outcome = Outcome::run(place.upload(NOWHERE, &[&pdf, &again], &[]));
    outcome.assert_status(2);
    assert!(outcome.stderr.contains("given twice"), "{}", outcome.stderr);

    let pipe = place.path("pipe.pdf");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let fifo = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, mode, 0).unwrap();
    let files: [&Path; 1] = [&pipe];
    let outcome = Outcome::run(place.upload(NOWHERE, &files, &[]));
    outcome.assert_status(2);
    assert!(outcome.stderr.contains("a pipe"), "{}", outcome.stderr);
}

#[test]
fn a_moc_that_another_call_is_making_is_waited_for() {
    let place = Place::new();
    let pdf = place.pdf(100);
    let fake = Fake::start("/finalize", |count| match count {
        0 | 1 => Answer::Json(200, json!({"status": "finalizing", "idempotent": true})),
        _ => Answer::Json(
            200,
            json!({"id": "1", "title": "Castle", "slug": "castle", "idempotent": true}),
        ),
    });
    let outcome = Outcome::run(place.upload(&fake.url(), &[&pdf], &[]));
    outcome.assert_status(0);
    assert_eq!(outcome.last()["moc"]["slug"], "castle");
    // Waiting is no failure.
    assert_eq!(outcome.count("retry"), 0);
}

#[test]
fn what_cannot_be_uploaded_is_said_before_anything_is_sent() {
    let place = Place::new();
    let gif = place.file("front.gif", b"GIF89a", 100);
    let pdf = place.pdf(100);
    let outcome = Outcome::run(place.upload(NOWHERE, &[&pdf, &gif], &[]));
    outcome.assert_status(2);
    assert!(outcome.stderr.contains("front.gif"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains(".webp"), "{}", outcome.stderr);
    assert_eq!(outcome.last()["exitStatus"], 2);
    assert_eq!(outcome.events.len(), 1);
}

#[test]
fn a_server_that_is_not_there_is_status_5() {
    let place = Place::new();
    let pdf = place.pdf(100);
    let upload = place.upload(NOWHERE, &[&pdf], &["--retries", "1"]);
    let outcome = Outcome::run(upload);
    outcome.assert_status(5);
    assert_eq!(outcome.count("retry"), 1);
    assert!(outcome.stderr.contains("127.0.0.1:9"), "{}", outcome.stderr);
    assert!(outcome.last().get("resumeCommand").is_none());
}

#[test]
fn a_report_that_a_busy_server_refuses_is_asked_for_again() {
    let metrics = json!({
        "sessionsCreated": 7, "sessionsFinalized": 0, "sessionsFailed": 0, "sessionSuccessRate": 0,
        "averageUploadTimeMs": null, "uploadTimeMs": { "p50": null, "p95": null, "p99": null },
        "filesRegistered": 0, "filesCompleted": 0, "bytesUploaded": 0, "commonFailurePoints": [],
        "eventCounts": {},
    });
    let fake = Fake::start("limit=0", move |before| match before {
        1 => Answer::Json(503, json!({ "code": "DATABASE_UNAVAILABLE" })),
        _ => Answer::Json(200, json!({ "metrics": metrics })),
    });
    let mut report = Command::new(BINARY);
    report
        .env_clear()
        .args(["analytics", "--server", &fake.url()]);
    report.args(["--from", "2026-01-01", "--to", "2026-01-02", "--csv"]);
    let output = report.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (lines, errors) = (text(output.stdout), text(output.stderr));
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(lines.contains("2026-01-01,7,0,0"), "{lines}");
    assert!(errors.contains("503"), "{errors}");
}
