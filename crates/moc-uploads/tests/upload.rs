//! The upload client against the server, both as the real binary.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command};

use moc_uploads_testkit::server::Server;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

#[path = "support/fake.rs"]
mod fake;
#[path = "upload/odd.rs"]
mod odd;
#[path = "upload/once.rs"]
mod once;
#[path = "support/place.rs"]
mod place;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "upload/words.rs"]
mod words;

use place::{BINARY, MIB, Outcome, Place, get};
use proxy::{Budget, Proxy};

fn sessions(server: &Server) -> Value {
    let sessions = get(&format!("{}/api/mocs/uploads/sessions", server.url()));
    serde_json::from_slice(&sessions).unwrap()
}

fn interrupt(client: &Child) {
    let pid = Pid::from_raw(i32::try_from(client.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
}

#[test]
fn a_moc_goes_up_and_its_bytes_come_back() {
    let place = Place::new();
    let server = place.server(&[]);
    let (pdf, jpg, csv) = (place.pdf(12 * MIB), place.jpg(), place.csv());
    let files: [&Path; 3] = [&pdf, &jpg, &csv];
    let more = ["--category", "front.jpg=thumbnail", "--tag", "medieval"];
    let outcome = Outcome::run(place.upload(&server.url(), &files, &more));
    outcome.assert_uploaded(&place, &server, &files);
    let moc = &outcome.last()["moc"];
    assert_eq!(moc["title"], "Castle");
    assert_eq!(moc["tags"], serde_json::json!(["medieval"]));
    place.assert_same_file(&moc["thumbnailUrl"], &outcome.last()["files"][1]["url"]);
    assert_eq!(outcome.count("part"), 3 + 2 + 1);
    // Nothing is left to resume.
    let left = fs::read_dir(place.path("state/moc-uploads"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[test]
fn people_read_lines_and_the_result() {
    let place = Place::new();
    let server = place.server(&[]);
    let pdf = place.pdf(100);
    let plain = Command::new(BINARY)
        .env_clear()
        .env("HOME", place.0.path())
        .env("MOC_UPLOADS_URL", server.url())
        .args(["upload", "--title", "Tower"])
        .arg(&pdf)
        .output()
        .unwrap();
    assert!(plain.status.success(), "{plain:?}");
    let stdout = String::from_utf8(plain.stdout).unwrap();
    assert!(stdout.starts_with("Tower\n"), "{stdout}");
    assert!(stdout.contains("slug  tower\n"), "{stdout}");
    let url = stdout.split_whitespace().last().unwrap();
    assert_eq!(get(url), fs::read(&pdf).unwrap());
    let stderr = String::from_utf8(plain.stderr).unwrap();
    for state in ["hashing", "uploading", "completing", "done"] {
        assert!(stderr.contains(&format!("castle.pdf: {state}")), "{stderr}");
    }
}

#[test]
fn a_killed_server_is_waited_for() {
    let place = Place::new();
    let server = place.server(&[]);
    let address = server.address();
    let proxy = Proxy::start(address, &[Budget::ENDLESS]);
    let (pdf, jpg, csv) = (place.pdf(22 * MIB), place.jpg(), place.csv());
    let files: [&Path; 3] = [&pdf, &jpg, &csv];

    proxy.hold_after(14 * MIB as u64);
    let mut client = place.upload(&proxy.url(), &files, &["--concurrency", "2"]);
    let client = client.spawn().unwrap();
    proxy.wait_until_held();
    server.kill_hard();
    proxy.release();
    let server = place.restarted(address);

    let outcome = Outcome::of(client.wait_with_output().unwrap());
    outcome.assert_uploaded(&place, &server, &files);
    assert!(outcome.count("retry") > 0);
    assert_eq!(sessions(&server)["pagination"]["total"], 1);
}

#[test]
fn an_interrupted_client_sends_only_what_is_missing() {
    let place = Place::new();
    let server = place.server(&[]);
    let address = server.address();
    let proxy = Proxy::start(address, &[Budget::ENDLESS]);
    let (pdf, jpg) = (place.pdf(22 * MIB), place.jpg());
    let files: [&Path; 2] = [&pdf, &jpg];

    proxy.hold_after(14 * MIB as u64);
    let mut client = place.upload(&proxy.url(), &files, &["--concurrency", "1"]);
    let client = client.spawn().unwrap();
    proxy.wait_until_held();
    server.wait_for("part uploaded");
    interrupt(&client);
    let outcome = Outcome::of(client.wait_with_output().unwrap());
    outcome.assert_status(130);
    let command = outcome.last()["resumeCommand"].as_str().unwrap();
    assert!(command.contains("upload --resume"), "{command}");
    assert!(outcome.stderr.contains(command), "{}", outcome.stderr);

    // The server may end as well in between.
    server.kill_hard();
    let server = place.restarted(address);
    proxy.release();
    let received = sessions(&server)["sessions"][0]["bytesReceived"]
        .as_u64()
        .unwrap() as usize;
    assert!((5 * MIB..14 * MIB).contains(&received), "{received}");

    let outcome = Outcome::run(place.upload(&proxy.url(), &files, &["--resume"]));
    outcome.assert_uploaded(&place, &server, &files);
    let parts = 5 + 2;
    assert_eq!(outcome.count("part"), parts - received / (5 * MIB));
    let is_hashing = |event: &Value| event["state"] == "hashing";
    assert!(!outcome.events.iter().any(is_hashing), "hashed again");
    assert_eq!(sessions(&server)["pagination"]["total"], 1);
}

#[test]
fn a_changed_file_is_not_mixed_with_what_it_was() {
    let place = Place::new();
    let server = place.server(&[]);
    let proxy = Proxy::start(server.address(), &[Budget::ENDLESS]);
    let (pdf, csv) = (place.pdf(12 * MIB), place.csv());
    let files: [&Path; 2] = [&csv, &pdf];
    proxy.hold_after(8 * MIB as u64);
    let mut client = place.upload(&proxy.url(), &files, &["--concurrency", "1"]);
    let client = client.spawn().unwrap();
    server.wait_for("file completed");
    proxy.wait_until_held();
    interrupt(&client);
    Outcome::of(client.wait_with_output().unwrap()).assert_status(130);
    proxy.release();

    place.file("castle.pdf", b"%PDF-1.4\n", 12 * MIB);
    let resumed = Outcome::run(place.upload(&proxy.url(), &files, &["--resume"]));
    resumed.assert_status(2);
    assert!(resumed.stderr.contains("has changed"), "{}", resumed.stderr);

    // The parts list of the interrupted session is no duplicate: that session is cancelled.
    let afresh = Outcome::run(place.upload(&proxy.url(), &files, &[]));
    afresh.assert_uploaded(&place, &server, &files);
}

#[test]
fn starting_afresh_finds_no_duplicates_of_what_was_interrupted() {
    let place = Place::new();
    let server = place.server(&[]);
    let (castle, tower) = (place.pdf(100), place.file("tower.pdf", b"%PDF-1.7\n", 200));
    Outcome::run(place.upload(&server.url(), &[&castle], &[])).assert_status(0);
    // All its files are there, but not the MOC: its title is taken.
    Outcome::run(place.upload(&server.url(), &[&tower], &[])).assert_status(3);
    let afresh = Outcome::run(place.upload_as("Tower", &server.url(), &[&tower], &[]));
    afresh.assert_status(0);
    assert_eq!(afresh.count("part"), 1);
    assert_eq!(sessions(&server)["sessions"][1]["status"], "cancelled");
}

#[test]
fn a_cancelled_session_is_started_afresh() {
    let place = Place::new();
    let server = place.server(&[]);
    let proxy = Proxy::start(server.address(), &[Budget::ENDLESS]);
    let pdf = place.pdf(12 * MIB);
    proxy.hold_after(7 * MIB as u64);
    let client = place.upload(&proxy.url(), &[&pdf], &[]).spawn().unwrap();
    proxy.wait_until_held();
    interrupt(&client);
    Outcome::of(client.wait_with_output().unwrap()).assert_status(130);
    proxy.release();

    let session = sessions(&server)["sessions"][0]["sessionId"].clone();
    let url = format!(
        "{}/api/mocs/uploads/sessions/{}",
        server.url(),
        session.as_str().unwrap()
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.delete(url).send().await.unwrap();
        assert_eq!(response.status(), 204);
    });

    let outcome = Outcome::run(place.upload(&proxy.url(), &[&pdf], &["--resume"]));
    outcome.assert_uploaded(&place, &server, &[&pdf]);
    let notice = outcome.events.iter().find(|line| line["event"] == "notice");
    let message = notice.unwrap()["message"].as_str().unwrap();
    assert!(message.contains("cancelled"), "{message}");
}

#[test]
fn a_network_that_cuts_connections_changes_nothing() {
    // Answers that are lost, parts that break off, and in between some that come through.
    static BUDGETS: [Budget; 6] = [
        Budget {
            down: 0,
            ..Budget::ENDLESS
        },
        Budget {
            down: 700,
            ..Budget::ENDLESS
        },
        Budget {
            up: 300_000,
            ..Budget::ENDLESS
        },
        Budget {
            up: 11_000_000,
            ..Budget::ENDLESS
        },
        Budget {
            down: 1500,
            ..Budget::ENDLESS
        },
        Budget {
            up: 6_000_000,
            ..Budget::ENDLESS
        },
    ];
    let place = Place::new();
    let server = place.server(&[]);
    let proxy = Proxy::start(server.address(), &BUDGETS);
    let (pdf, jpg, csv) = (place.pdf(27 * MIB), place.jpg(), place.csv());
    let files: [&Path; 3] = [&pdf, &jpg, &csv];
    let outcome = Outcome::run(place.upload(&proxy.url(), &files, &[]));
    outcome.assert_uploaded(&place, &server, &files);
    assert!(outcome.count("retry") > 2, "{:#?}", outcome.events);
    assert_eq!(sessions(&server)["pagination"]["total"], 1);
}

#[test]
fn a_token_is_needed_where_the_server_asks_for_one() {
    const SECRET: &str = "a secret of tests, long enough for HS256";
    let place = Place::new();
    let server = place.server(&[("AUTH_JWT_SECRET", SECRET)]);
    let pdf = place.pdf(100);
    let outcome = Outcome::run(place.upload(&server.url(), &[&pdf], &[]));
    outcome.assert_status(4);
    assert_eq!(outcome.last()["problem"]["code"], "UNAUTHORIZED");
    assert!(
        outcome.stderr.contains("MOC_UPLOADS_TOKEN"),
        "{}",
        outcome.stderr
    );

    let minted = Command::new(BINARY)
        .env_clear()
        .env("AUTH_JWT_SECRET", SECRET)
        .args(["token", "--sub", "alice"])
        .output()
        .unwrap();
    let token = String::from_utf8(minted.stdout).unwrap();
    let mut upload = place.upload(&server.url(), &[&pdf], &[]);
    upload.env("MOC_UPLOADS_TOKEN", token.trim());
    Outcome::run(upload).assert_status(0);
}

#[test]
fn refusals_have_statuses_of_their_own() {
    let place = Place::new();
    let server = place.server(&[("UPLOAD_RATE_LIMIT_PER_DAY", "3")]);
    let pdf = place.pdf(100);
    let upload = |more: &[&str]| Outcome::run(place.upload(&server.url(), &[&pdf], more));
    let first = upload(&[]);
    first.assert_status(0);

    let duplicate = upload(&[]);
    duplicate.assert_status(6);
    let problem = &duplicate.last()["problem"];
    assert_eq!(problem["code"], "DUPLICATE_FILE");
    let existing = &problem["duplicates"][0]["existingUrl"];
    place.assert_same_file(existing, &first.last()["files"][0]["url"]);

    // The title is taken; with another one the same session is finished.
    let taken = upload(&["--allow-duplicates"]);
    taken.assert_status(3);
    assert_eq!(taken.last()["problem"]["suggestedSlug"], "castle-1");
    let renamed = place.upload_as("Keep", &server.url(), &[&pdf], &["--resume"]);
    let renamed = Outcome::run(renamed);
    renamed.assert_status(0);
    assert_eq!(renamed.last()["moc"]["slug"], "keep");
    assert_eq!(renamed.count("part"), 0);

    let wrong = place.file("front.jpg", b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR", 100);
    let tower = place.file("tower.pdf", b"%PDF-1.7\n", 200);
    let mismatch = Outcome::run(place.upload(&server.url(), &[&tower, &wrong], &[]));
    mismatch.assert_status(3);
    assert_eq!(mismatch.last()["problem"]["code"], "CONTENT_TYPE_MISMATCH");
    assert!(mismatch.last().get("resumeCommand").is_none());

    let limited = upload(&["--allow-duplicates"]);
    limited.assert_status(7);
    assert!(
        limited.stderr.contains("T00:00:00.000Z"),
        "{}",
        limited.stderr
    );
}
