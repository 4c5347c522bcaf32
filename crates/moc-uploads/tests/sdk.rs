//! The TypeScript SDK against the real binary: in Node and in Chromium. What
//! is tried stands in `tools/sdk-tests`.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "sdk/host.rs"]
mod host;

use host::Host;

/// One test per runtime and way to the store.
macro_rules! journeys {
    ($($test:ident: $runtime:literal, direct $direct:literal;)*) => {
        $(#[test]
        fn $test() {
            let host = Host::start();
            run(tests("journey.test.mjs", $runtime, &host).env("SDK_TESTS_DIRECT", $direct));
        })*
    };
}

journeys! {
    from_node: "node", direct "false";
    from_node_by_presigned_urls: "node", direct "true";
    from_chromium: "chromium", direct "false";
    from_chromium_by_presigned_urls: "chromium", direct "true";
}

mod once {
    //! The SDK by itself: what it sends and makes of answers, whatever is behind them.
    use super::{Host, run, tests};

    #[test]
    fn details_in_node() {
        run(&mut tests("details.test.mjs", "node", &Host::start()));
    }

    #[test]
    fn details_in_chromium() {
        run(&mut tests("details.test.mjs", "chromium", &Host::start()));
    }

    /// What a frontend team installs: its types, and the examples of its README.
    #[test]
    fn the_package_compiles_and_its_examples_run() {
        run(&mut tests("package.test.mjs", "node", &Host::start()));
    }
}

fn tests(file: &str, runtime: &str, host: &Host) -> Command {
    let mut command = node(&["--test-reporter=spec", file]);
    command
        .env("SDK_TESTS_HOST", host.url())
        .env("SDK_TESTS_RUNTIME", runtime);
    command
}

/// Node in the folder of the tests, with an environment that holds nothing of the machine's.
fn node(arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SDK_TESTS_SDK", package().join("dist"))
        .env("SDK_TESTS_TOOLS", tools())
        .current_dir(repository().join("tools/sdk-tests"))
        .args(arguments);
    command
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?} {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

fn repository() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.join("../..").canonicalize().unwrap()
}

fn package() -> PathBuf {
    repository().join("packages/sdk/upload-sessions")
}

/// Where `./test` installs what `tools/sdk-tests/package.json` names.
fn tools() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("sdk-tests");
    assert!(
        folder.join("node_modules/playwright-core").exists(),
        "playwright-core is not in {}; run ./test, which installs it",
        folder.display()
    );
    folder
}
