//! Paths and outputs that nobody expects.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use super::interrupt;
use super::place::{BINARY, MIB, Outcome, Place};
use super::proxy::{Budget, Proxy};

#[test]
fn a_path_that_is_no_text_is_resumed_as_it_is_said() {
    let place = Place::new();
    let server = place.server(&[]);
    let proxy = Proxy::start(server.address(), &[Budget::ENDLESS]);
    let pdf = place
        .0
        .path()
        .join(OsStr::from_bytes(b"my\xff7 castle.pdf"));
    fs::rename(place.pdf(12 * MIB), &pdf).unwrap();

    proxy.hold_after(7 * MIB as u64);
    let client = place.upload(&proxy.url(), &[&pdf], &[]).spawn().unwrap();
    proxy.wait_until_held();
    interrupt(&client);
    let outcome = Outcome::of(client.wait_with_output().unwrap());
    outcome.assert_status(130);
    proxy.release();

    let command = outcome.last()["resumeCommand"].as_str().unwrap();
    assert!(command.contains(r"my\3777 castle.pdf'"), "{command}");
    let mut shell = Command::new("bash");
    shell
        .env_clear()
        .env("XDG_STATE_HOME", place.path("state"))
        .args(["-c", command]);
    let resumed = Outcome::run(shell);
    resumed.assert_status(0);
    let is_resumed = |event: &serde_json::Value| event["isResumed"] == true;
    assert!(
        resumed.events.iter().any(is_resumed),
        "{:#?}",
        resumed.events
    );
}

#[test]
fn a_result_that_is_lost_is_no_success() {
    let place = Place::new();
    let server = place.server(&[]);
    let pdf = place.pdf(100);
    for (title, json) in [("Keep", &["--json"][..]), ("Tower", &[])] {
        let output = Command::new(BINARY)
            .env_clear()
            .env("HOME", place.0.path())
            .args(["upload", "--title", title, "--server", &server.url()])
            .arg("--allow-duplicates")
            .arg(&pdf)
            .args(json)
            .stdout(Stdio::from(File::create("/dev/full").unwrap()))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let said = format!("the MOC {} was created", title.to_lowercase());
        assert!(stderr.contains(&said), "{stderr}");
        assert!(!stderr.contains("--resume"), "{stderr}");
    }
}
