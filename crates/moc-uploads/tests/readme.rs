//! The README's walk, run as it stands.

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
}
