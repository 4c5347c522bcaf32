//! The executable contract: httpyac replays `__http__/*.http` against the real binary. Each answer
//! must have the status that its request states and be one that the server's own OpenAPI document
//! describes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "http_files/once.rs"]
mod once;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Seek;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use moc_uploads_testkit::server::{self, Server};

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");
const SECRET: (&str, &str) = (
    "AUTH_JWT_SECRET",
    "a secret of tests, long enough for HS256",
);
const EXPIRED_SESSION_ID: &str = "01900000-0000-7000-8000-000000000001";
const CAPPED_SESSION_ID: &str = "01900000-0000-7000-8000-000000000002";
const OVERDUE_SESSION_ID: &str = "01900000-0000-7000-8000-000000000003";
/// Of the example rows.
const SEED_USER: &str = "dev-user-00000000-0000-0000-0000-000000000001";

#[test]
fn every_request_is_answered_as_it_says_and_as_documented() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_for_replay(folder.path());
    let replay = replay(&server, &contract_folder());
    let is_in_a_bucket = server::stores(folder.path()).bucket.is_some();
    // What goes to a bucket is not this server's to document, and a file's URL there needs a signature.
    let expected: &[&str] = if is_in_a_bucket {
        &[
            "getContentByUrl: \"answers 200\": Error: answered 403",
            "uploadPartPresigned: \"is documented\"",
        ]
    } else {
        &[]
    };
    let is_expected = replay.failures.len() == expected.len()
        && replay
            .failures
            .iter()
            .zip(expected)
            .all(|(failure, start)| failure.starts_with(start));
    assert!(
        is_expected,
        "{} requests failed:\n{}",
        replay.failures.len(),
        replay.failures.join("\n")
    );
    assert_eq!(replay.is_success, expected.is_empty());

    let written: BTreeSet<_> = annotations("name").into_iter().collect();
    let replayed: BTreeSet<_> = replay.requests.keys().cloned().collect();
    assert_eq!(replayed, written);
    the_tests_of_the_story_ran(&replay);
    the_example_rows_are_found(&replay);
}

/// Those that the story of duplicates, extension and analytics names, with the statuses that it names.
fn the_tests_of_the_story_ran(replay: &Replay) {
    const STORY: [(&str, &str, &str); 8] = [
        (
            "DD-HP-001",
            "createSessionWithDuplicateCheck",
            "409 DUPLICATE_FILE",
        ),
        ("DD-HP-002", "createSessionBypassDuplicate", "201"),
        (
            "DD-ERR-001",
            "createSessionDuplicateInline",
            "409 DUPLICATE_FILE",
        ),
        ("AE-HP-001", "registerFileAutoExtend", "201"),
        (
            "AE-ERR-001",
            "registerFilePastMaxLifetime",
            "410 SESSION_EXPIRED",
        ),
        ("AN-HP-001", "getAnalytics", "200"),
        ("AN-HP-002", "getAnalyticsFiltered", "200"),
        ("AN-ERR-001", "getAnalyticsNonAdmin", "403 FORBIDDEN"),
    ];
    let (names, ids) = (annotations("name"), annotations("testId"));
    let expected = annotations("expect");
    for (id, name, answer) in STORY {
        let at = ids.iter().position(|found| found == id);
        let at = at.unwrap_or_else(|| panic!("no request is {id}"));
        assert_eq!(
            (names[at].as_str(), expected[at].as_str()),
            (name, answer),
            "{id}"
        );
        let results = test_results(&replay.requests[name]);
        let answered = format!("answers {answer}");
        assert!(
            results
                .iter()
                .any(|result| result["message"] == answered && result["status"] == "SUCCESS"),
            "{id}: {results:#?}"
        );
    }
}

/// What a status alone does not show.
fn the_example_rows_are_found(replay: &Replay) {
    for name in [
        "createSessionWithDuplicateCheck",
        "createSessionDuplicateInline",
    ] {
        let duplicates = &replay.body(name)["duplicates"];
        assert_eq!(
            duplicates[0]["existingUrl"],
            "s3://bucket/test-duplicate.pdf"
        );
        assert_eq!(duplicates.as_array().unwrap().len(), 1);
    }
    assert_eq!(
        replay.body("registerFileAutoExtend")["sessionExtended"],
        true
    );
    assert_eq!(
        replay.body("registerFileAtMaxLifetime")["sessionExtended"],
        Value::Null
    );
    assert_eq!(
        replay.body("registerFilePastMaxLifetime")["sessionExpired"],
        true
    );
    for name in ["getAnalytics", "getAnalyticsFiltered"] {
        let metrics = &replay.body(name)["metrics"];
        assert!(
            metrics["sessionsFinalized"].as_u64() >= Some(1),
            "{metrics}"
        );
    }
    assert_eq!(
        replay.body("getAnalyticsMetrics")["events"],
        serde_json::json!([])
    );
}

#[derive(Debug)]
struct Replay {
    is_success: bool,
    /// By name, as httpyac reports them.
    requests: BTreeMap<String, Value>,
    /// One line for each failed request.
    failures: Vec<String>,
}

impl Replay {
    fn body(&self, name: &str) -> Value {
        let body = &self.requests[name]["response"]["body"];
        serde_json::from_str(body.as_str().unwrap()).unwrap()
    }
}

fn replay(server: &Server, folder: &Path) -> Replay {
    let tools = tools_folder();
    // A file, not a pipe: httpyac exits before a pipe of that size is written.
    let mut stdout = tempfile::tempfile().unwrap();
    let output = Command::new("node")
        .arg(tools.join("httpyac/bin/httpyac.js"))
        .args(["send", "*.http", "--all", "--json", "--output", "body"])
        .current_dir(folder)
        .env("NODE_PATH", &tools)
        .env(
            "HTTPYAC_PLUGIN",
            repository().join("tools/httpyac/openapi.js"),
        )
        .env("MOC_UPLOADS_URL", server.url())
        .env("MOC_UPLOADS_TOKEN", token(&["--sub", "alice"]))
        .env("MOC_UPLOADS_STRANGER_TOKEN", token(&["--sub", "bob"]))
        .env("MOC_UPLOADS_SEED_TOKEN", token(&["--sub", SEED_USER]))
        .env(
            "MOC_UPLOADS_ADMIN_TOKEN",
            token(&["--sub", "carol", "--role", "admin"]),
        )
        .env("MOC_UPLOADS_EXPIRED_SESSION_ID", EXPIRED_SESSION_ID)
        .env("MOC_UPLOADS_CAPPED_SESSION_ID", CAPPED_SESSION_ID)
        .env("MOC_UPLOADS_OVERDUE_SESSION_ID", OVERDUE_SESSION_ID)
        .stdout(stdout.try_clone().unwrap())
        .output()
        .unwrap();
    stdout.rewind().unwrap();
    let report: Value = serde_json::from_reader(stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let mut requests = BTreeMap::new();
    let mut failures = Vec::new();
    for request in report["requests"].as_array().unwrap() {
        let name = request["name"].as_str().unwrap().to_owned();
        let results = test_results(request);
        let mut wrong: Vec<_> = results
            .iter()
            .filter(|result| result["status"] != "SUCCESS")
            .map(|result| {
                let detail = &result["error"]["displayMessage"];
                format!("{}: {}", result["message"], detail.as_str().unwrap_or(""))
            })
            .collect();
        if wrong.is_empty() && results.len() != 2 {
            wrong.push(format!("{} checks instead of 2", results.len()));
        }
        if !wrong.is_empty() {
            failures.push(format!("{name}: {}", wrong.join("; ")));
        }
        assert!(requests.insert(name, request.clone()).is_none());
    }
    Replay {
        is_success: output.status.success(),
        requests,
        failures,
    }
}

fn test_results(request: &Value) -> &[Value] {
    request["testResults"].as_array().map_or(&[], Vec::as_slice)
}

/// A server that asks for tokens, with the example rows, and sessions that are over or about to be.
fn server_for_replay(folder: &Path) -> Server {
    const HOUR_MS: i64 = 3_600_000;
    let mut seed = server::command(BINARY, folder);
    assert!(seed.arg("seed").envs([SECRET]).status().unwrap().success());
    let server = Server::start(BINARY, folder, &[SECRET]);
    let stores = server::stores(folder);
    // The second one's 24 hours are over in five minutes, the third one's since an hour.
    for (id, user, age_ms, lifetime_ms) in [
        (EXPIRED_SESSION_ID, "alice", 24 * HOUR_MS, HOUR_MS / 4),
        (
            CAPPED_SESSION_ID,
            SEED_USER,
            24 * HOUR_MS - HOUR_MS / 12,
            24 * HOUR_MS,
        ),
        (OVERDUE_SESSION_ID, SEED_USER, 25 * HOUR_MS, 24 * HOUR_MS),
    ] {
        let ms_ago = |ms: i64| match stores.database {
            Some(_) => format!("now() - {ms} * interval '1 ms'"),
            None => format!("unixepoch() * 1000 - {ms}"),
        };
        let (created_at, expires_at) = (ms_ago(age_ms), ms_ago(age_ms - lifetime_ms));
        stores.sql(&format!(
            "INSERT INTO upload_sessions
               (id, user_id, status, part_size_bytes, expires_at, created_at, updated_at)
             VALUES ('{id}', '{user}', 'active', 5242880, {expires_at}, {created_at}, {created_at})"
        ));
    }
    server
}

fn token(args: &[&str]) -> String {
    let output = server::command(BINARY, Path::new("unused"))
        .arg("token")
        .args(args)
        .envs([SECRET])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The values of `# @key value` in all files.
fn annotations(key: &str) -> Vec<String> {
    let start = format!("# @{key} ");
    lines()
        .iter()
        .filter_map(|line| Some(line.strip_prefix(&start)?.to_owned()))
        .collect()
}

fn lines() -> Vec<String> {
    std::fs::read_dir(contract_folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "http")
        })
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn contract_folder() -> PathBuf {
    repository().join("__http__")
}

/// Where `./test` installs what `tools/httpyac/package.json` names.
fn tools_folder() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let folder = target.join("httpyac/node_modules");
    assert!(
        folder.join("httpyac/bin/httpyac.js").exists(),
        "httpyac is not in {}; run ./test, which installs it",
        folder.display()
    );
    folder
}
