//! Whatever comes in: no 500, no panic, always a problem; and nothing of it reaches the file
//! system.

mod bodies;
mod names;
mod requests;

use std::future::IntoFuture;

use moc_uploads_testkit::app::{Call, Caller, LocalFile, RemoteFile, Response, TestApp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::routes::{ROUTES, filled_with};

/// An app, somebody who has a session with a file, and the runtime that they live on.
struct World {
    runtime: Runtime,
    app: TestApp,
    alice: Caller,
    session: String,
    remote: RemoteFile,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let (app, alice, session, remote) = runtime.block_on(async {
            let app = TestApp::with(|options| {
                options.settings.daily_limit = None;
                options.api.body_idle_timeout = std::time::Duration::from_secs(5);
            })
            .await;
            let alice = app.user("alice");
            let file = LocalFile::pdf("a", 2500);
            let session = alice
                .create_session(&[file.clone(), LocalFile::pdf("b", 1)])
                .await;
            let remote = alice.register(&session, &file).await;
            (app, alice, session, remote)
        });
        Self {
            runtime,
            app,
            alice,
            session,
            remote,
        }
    }

    fn path(&self, template: &str) -> String {
        filled_with(template, &self.session, &self.remote.file_id, "1")
    }

    /// A call to one of [`ROUTES`], which exists with this session and file.
    fn call(&self, route: usize) -> Call {
        let (method, template) = &ROUTES[route];
        self.alice.call(method.clone(), self.path(template))
    }

    /// Sends it and judges the answer.
    fn judge(&self, call: Call) -> Result<Response, TestCaseError> {
        let response = self.runtime.block_on(call.into_future());
        let status = response.status.as_u16();
        prop_assert!(status < 500, "{response:?}");
        if status >= 400 {
            let judged = std::panic::catch_unwind(|| response.problem());
            prop_assert!(judged.is_ok(), "no problem: {response:?}");
        }
        Ok(response)
    }
}

/// Many cases in one world: making one takes longer than asking it.
fn check<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    property: impl Fn(&World, T) -> Result<(), TestCaseError>,
) {
    let world = World::new();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&strategy, |value| property(&world, value))
        .unwrap_or_else(|failure| panic!("{failure}"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|n| json!(n)),
        any_text().prop_map(Value::from),
        prop::sample::select(vec![
            json!(0),
            json!(1),
            json!(-1),
            json!(u64::MAX),
            json!(1e308)
        ]),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".*",
        "\\PC{0,40}",
        any::<String>(),
        prop::sample::select(NASTY.to_vec()).prop_map(str::to_owned),
        (1usize..2000).prop_map(|len| "x".repeat(len)),
    ]
}

/// Names that mean something somewhere, and others.
fn any_name() -> impl Strategy<Value = String> {
    let known = [
        "files",
        "fileHashes",
        "allowDuplicates",
        "key",
        "category",
        "name",
        "size",
        "type",
        "ext",
        "hash",
        "partCount",
        "parts",
        "partNumber",
        "etag",
        "uploadSessionId",
        "title",
        "tags",
        "theme",
        "description",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => any_text(),
    ]
}

/// What file systems, databases and headers stumble over.
const NASTY: &[&str] = &[
    "",
    ".",
    "..",
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "/etc/passwd",
    "~root",
    "a\0b",
    "\0",
    "CON",
    "a/b/c",
    "a\r\nX-Evil: 1",
    "%2e%2e%2f",
    "'; DROP TABLE upload_sessions; --",
    "\u{202e}fdp.exe",
    "\u{feff}",
    "🏰",
    "e\u{301}",
    "$(reboot)",
    "null",
    "-1",
    "1e400",
];
