//! What the documents say, tried as it stands.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;
use std::process::Command;

use moc_uploads_testkit::server::Server;

/// The shell block under the heading "The same by hand".
fn walk() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, section) = readme.split_once("## The same by hand").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_walk_by_hand_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(
        env!("CARGO_BIN_EXE_moc-uploads"),
        &folder.path().join("data"),
        &[],
    );
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &walk()])
        .current_dir(folder.path())
        .env("MOC_UPLOADS_URL", server.url())
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stdout.ends_with("the same bytes\n"),
        "{stdout}\n{stderr}"
    );
    every_metric_to_watch_has_a_value(&server);
}

/// Those of `docs/operating.md`, after some requests.
fn every_metric_to_watch_has_a_value(server: &Server) {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--fail", "--noproxy", "*"]);
    let output = curl.arg(format!("{}/metrics", server.url())).output();
    let metrics = String::from_utf8(output.unwrap().stdout).unwrap();
    let mut count = 0;
    for line in operating().lines().filter(|line| line.starts_with("| `")) {
        let names = line
            .split(" | ")
            .next()
            .unwrap()
            .split('`')
            .skip(1)
            .step_by(2);
        for name in names {
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            let label = labels.split(['=', '}']).next().unwrap();
            let is_it = |line: &&str| {
                let Some(rest) = line.strip_prefix(name) else {
                    return false;
                };
                // A histogram has no value under its own name.
                let rest = rest.strip_prefix("_count").unwrap_or(rest);
                rest.starts_with(['{', ' ']) && rest.contains(label)
            };
            assert!(
                metrics.lines().any(|line| is_it(&line)),
                "{name}: {metrics}"
            );
            count += 1;
        }
    }
    assert!(count > 5, "the table is elsewhere");
    let bytes = metrics
        .lines()
        .find_map(|line| line.strip_prefix("upload_bytes_total "));
    assert_ne!(bytes.unwrap(), "0");
}

/// The section "What to watch".
fn operating() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let operating = std::fs::read_to_string(path).unwrap();
    let (_, section) = operating.split_once("## What to watch\n").unwrap();
    section.split_once("\n## ").unwrap().0.to_owned()
}
