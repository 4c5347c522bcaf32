//! What people are told while and after they upload.

use std::path::Path;
use std::process::Command;

use crate::place::{BINARY, Outcome, Place};

/// What a terminal of this kind shows of `moc-uploads upload`, lines ended as terminals end them.
fn on_a_terminal(place: &Place, term: &str, server: &str, file: &Path) -> String {
    let upload = format!(
        "{BINARY} upload --title Castle --server {server} {}",
        file.display()
    );
    let output = Command::new("script")
        .args(["--quiet", "--return", "--command", &upload, "/dev/null"])
        .env_clear()
        .env("HOME", place.0.path())
        .env("TERM", term)
        .env("SHELL", "/bin/sh")
        .output()
        .unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    shown
}

#[test]
fn a_terminal_shows_bars_and_one_that_cannot_shows_lines() {
    for (term, has_bars) in [("xterm", true), ("dumb", false)] {
        let place = Place::new();
        let server = place.server(&[]);
        let shown = on_a_terminal(&place, term, &server.url(), &place.pdf(100));
        assert!(shown.contains("slug  castle"), "{shown:?}");
        let bar = "castle.pdf [=";
        let is_full = shown.contains(bar) && shown.contains("100% 100 B/100 B");
        assert_eq!(is_full, has_bars, "{shown:?}");
        assert_eq!(shown.contains("castle.pdf: done"), !has_bars, "{shown:?}");
    }
}

#[test]
fn the_command_after_a_title_that_is_taken_goes_on() {
    let place = Place::new();
    let server = place.server(&[]);
    let (castle, tower) = (place.pdf(100), place.file("tower.pdf", b"%PDF-1.7\n", 200));
    Outcome::run(place.upload(&server.url(), &[&castle], &[])).assert_status(0);
    let taken = Outcome::run(place.upload(&server.url(), &[&tower], &[]));
    taken.assert_status(3);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", taken.last()["resumeCommand"].as_str().unwrap()])
        .env_clear()
        .env("XDG_STATE_HOME", place.path("state"));
    let pasted = Outcome::run(shell);
    pasted.assert_status(0);
    assert_eq!(pasted.count("part"), 0);
    assert_eq!(pasted.last()["moc"]["slug"], "castle-1");
}

#[test]
fn a_server_that_is_elsewhere_is_looked_for_once() {
    let place = Place::new();
    let server = place.server(&[]);
    let pdf = place.pdf(100);
    let upload = |url: &str| Outcome::run(place.upload(url, &[&pdf], &[]));
    let no_tls = upload(&server.url().replace("http:", "https:"));
    no_tls.assert_status(5);
    assert!(
        no_tls.stderr.contains("speaks no https"),
        "{}",
        no_tls.stderr
    );
    let no_path = upload(&format!("{}/x/y", server.url()));
    no_path.assert_status(3);
    for outcome in [no_tls, no_path] {
        assert_eq!(outcome.count("retry"), 0);
        assert!(outcome.stderr.contains("--server"), "{}", outcome.stderr);
        assert!(outcome.last().get("resumeCommand").is_none());
    }
}
