//! `moc-uploads sdk generate`: a change is seen, an error changes nothing. That the checked-in SDK is
//! fresh is for `.ci/run` to see.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use moc_uploads_contract::Package;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where `./test` installs what `tools/{name}` wants.
fn tools(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join(name)
}

/// `moc-uploads sdk generate` in a folder.
fn generate(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(["sdk", "generate", "--tools"])
        .arg(tools("sdk"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A copy of the contract, and the SDK that is checked in.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    copy(&repository().join("__http__"), &place.path().join("http"));
    let sdk = repository().join("packages/sdk/upload-sessions");
    copy(&sdk, &place.path().join("sdk"));
    place
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).unwrap();
        }
    }
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from} is not in {}", path.display());
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let package = Package::read(folder).unwrap();
    let files = package.files();
    files
        .map(|(name, content)| (name.to_owned(), content.to_vec()))
        .collect()
}

const ARGUMENTS: [&str; 4] = ["--http", "http", "--out", "sdk"];
const STORY: &str = "http/story-01711-session-crud.http";

#[test]
fn a_changed_contract_fails_the_check_which_names_the_command() {
    let place = place();
    edit(
        &place.path().join(STORY),
        "# @sdk createSession\n",
        "# @sdk openSession\n",
    );
    let before = files(&place.path().join("sdk"));

    let check = [&ARGUMENTS[..], &["--check"]].concat();
    let output = generate(place.path(), &check);
    assert_eq!(output.status.code(), Some(1));
    let (diff, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(
        diff.contains("changed: src/generated/sdk.gen.ts\n"),
        "{diff}"
    );
    assert!(diff.contains("\n+export const openSession = "), "{diff}");
    assert!(
        errors.contains("sdk generate --http http --out sdk\n"),
        "{errors}"
    );

    let dry_run = [&ARGUMENTS[..], &["--dry-run"]].concat();
    let output = generate(place.path(), &dry_run);
    assert!(output.status.success());
    assert_eq!(text(&output.stdout), diff);
    assert_eq!(files(&place.path().join("sdk")), before);

    assert!(generate(place.path(), &ARGUMENTS).status.success());
    let declarations = place.path().join("sdk/dist/generated/sdk.gen.d.ts");
    let declarations = fs::read_to_string(declarations).unwrap();
    assert!(declarations.contains("openSession") && !declarations.contains("createSession:"));
}

#[test]
fn a_file_that_was_changed_by_hand_fails_the_check() {
    let place = place();
    fs::write(place.path().join("sdk/dist/index.js"), "// mine\n").unwrap();
    fs::write(place.path().join("sdk/src/mine.ts"), "// mine\n").unwrap();
    let output = generate(place.path(), &[&ARGUMENTS[..], &["--check"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let diff = text(&output.stdout);
    assert!(diff.contains("changed: dist/index.js\n"), "{diff}");
    assert!(diff.contains("gone: src/mine.ts\n"), "{diff}");
}

#[test]
fn an_error_changes_nothing_and_tells_its_place() {
    let place = place();
    edit(
        &place.path().join(STORY),
        "POST {{api}}/sessions\n",
        "POST {{api}}/sesions\n",
    );
    edit(
        &place.path().join("http/system.http"),
        "{{baseUrl}}/readyz",
        "{{baseUr}}/readyz",
    );
    let before = files(place.path());
    let output = generate(place.path(), &ARGUMENTS);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stderr));
    assert_eq!(files(place.path()), before);
}

#[test]
fn the_same_bytes_come_twice_and_a_fresh_folder_is_left_alone() {
    let place = place();
    let made = |path: &str| {
        fs::metadata(place.path().join(path))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = made("sdk/package.json");
    let output = generate(place.path(), &ARGUMENTS);
    assert_eq!(text(&output.stdout), "sdk is up to date.\n");
    assert_eq!(made("sdk/package.json"), before);

    let new = ["--http", "http", "--out", "below/new"];
    assert!(generate(place.path(), &new).status.success());
    assert_eq!(
        files(&place.path().join("below/new")),
        files(&place.path().join("sdk"))
    );
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(place.path().join("below")).unwrap().count(), 1);
}

#[test]
fn what_npm_has_installed_stays() {
    let place = place();
    let modules = place.path().join("sdk/node_modules/some");
    fs::create_dir_all(&modules).unwrap();
    edit(&place.path().join("sdk/README.md"), "#", "##");
    assert!(generate(place.path(), &ARGUMENTS).status.success());
    assert!(modules.is_dir());
}

#[test]
fn a_folder_that_holds_something_else_is_refused() {
    let place = place();
    let output = generate(place.path(), &["--http", "http", "--out", "http"]);
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(errors.contains("http holds something else"), "{errors}");
    assert!(place.path().join(STORY).is_file());
}

/// A `node` of the test's own in `PATH`, and nothing else there.
fn with_node(script: Option<&str>) -> String {
    use std::os::unix::fs::PermissionsExt;
    let place = place();
    let bin = place.path().join("bin");
    fs::create_dir(&bin).unwrap();
    if let Some(script) = script {
        fs::write(bin.join("node"), script).unwrap();
        fs::set_permissions(bin.join("node"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let before = files(place.path());
    let errors = ["sdk", "no/such/sdk"].map(|out| {
        let output = Command::new(BINARY)
            .args(["sdk", "generate", "--tools", "tools", "--http", "http"])
            .args(["--out", out])
            .env("PATH", &bin)
            .current_dir(place.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    });
    assert_eq!(files(place.path()), before);
    assert!(!place.path().join("no").exists());
    assert_eq!(errors[0], errors[1]);
    errors[0].clone()
}

#[test]
fn without_node_the_error_says_which_and_how_to_get_it() {
    insta::assert_snapshot!("without_node", with_node(None));
    let old = with_node(Some("#!/bin/sh\necho v18.20.4\n"));
    insta::assert_snapshot!("with_an_old_node", old);
    let without_npm = with_node(Some("#!/bin/sh\necho v20.19.0\n"));
    insta::assert_snapshot!("without_npm", without_npm);
}

/// What a bundler ships, and how many bytes that is gzipped.
fn bundled(entry: &str) -> (String, usize) {
    let folder = tempfile::tempdir().unwrap();
    let package = folder
        .path()
        .join("node_modules/@moc-uploads/upload-sessions");
    copy(&repository().join("packages/sdk/upload-sessions"), &package);
    fs::write(folder.path().join("entry.js"), entry).unwrap();
    let output = Command::new(tools("sdk-tests").join("node_modules/.bin/esbuild"))
        .args([
            "entry.js",
            "--bundle",
            "--minify",
            "--format=esm",
            "--platform=browser",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let gzip = "process.stdout.write(String(require('zlib').gzipSync(require('fs').readFileSync(0), { level: 9 }).length))";
    let mut child = Command::new("node")
        .args(["-e", gzip])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &output.stdout).unwrap();
    let size = child.wait_with_output().unwrap();
    (text(&output.stdout), text(&size.stdout).parse().unwrap())
}

#[test]
fn the_sdk_is_small_and_what_is_not_imported_is_not_bundled() {
    // Neither can do without its own.
    let (of_client, of_uploader) = ("Last-Event-ID", "Idempotency-Key");
    let (all, size) = bundled("export * from '@moc-uploads/upload-sessions';");
    assert!(size < 12_000, "{size} bytes gzipped");
    assert!(all.contains(of_client) && all.contains(of_uploader));
    let (one, _) = bundled("export { getSession } from '@moc-uploads/upload-sessions';");
    assert!(one.contains(of_client) && !one.contains(of_uploader));
    assert!(one.contains("sessions/{sessionId}") && !one.contains("/files/batch"));
    let (uploader, _) = bundled("export { uploadFiles } from '@moc-uploads/upload-sessions';");
    assert!(uploader.contains(of_uploader) && !uploader.contains(of_client));
    let (_, nothing) = bundled("import '@moc-uploads/upload-sessions';");
    assert!(nothing < 100, "{nothing} bytes gzipped");
}

#[test]
fn the_sdk_needs_no_other_package() {
    let package = repository().join("packages/sdk/upload-sessions/package.json");
    let package: serde_json::Value = serde_json::from_slice(&fs::read(package).unwrap()).unwrap();
    for kind in ["dependencies", "peerDependencies", "optionalDependencies"] {
        assert!(package.get(kind).is_none(), "{kind}");
    }
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(package["sideEffects"], false);
}
