//! What each endpoint costs PostgreSQL, as the server counts it. `bench/statements` prints it.

use std::collections::BTreeMap;
use std::path::Path;

use moc_uploads_testkit::app::{
    Call, LocalFile, RemoteFile, Response, SESSIONS, TestApp, create_body, session_path,
};
use moc_uploads_testkit::postgres::{Database, is_skipped};
use moc_uploads_testkit::s3::{Bucket, Swift};
use serde_json::json;

use crate::on_s3::direct_parts::Direct;

/// Endpoint and statements.
type Counts = BTreeMap<String, String>;

/// Where the counts stand.
fn documented() -> Counts {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operating.md");
    let page = std::fs::read_to_string(page).unwrap();
    page.lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let ["", endpoint, count, _, ""] = cells.as_slice() else {
                return None;
            };
            // What is special about the call may follow.
            let (endpoint, special) = endpoint.strip_prefix('`')?.split_once('`')?;
            let is_endpoint = endpoint.split_once(' ')?.1.starts_with('/');
            is_endpoint.then(|| (format!("{endpoint}{special}"), (*count).to_owned()))
        })
        .collect()
}

struct Counter<'a> {
    database: &'a Database,
    counts: Counts,
}

impl<'a> Counter<'a> {
    fn of(database: &'a Database) -> Self {
        database.psql("CREATE EXTENSION pg_stat_statements");
        Self {
            database,
            counts: Counts::new(),
        }
    }

    /// Counts what the call does. The server knows by then: it answers after it has counted. A
    /// transaction's begin and end are statements, too.
    async fn count(&mut self, endpoint: &str, call: Call, status: u16) -> Response {
        self.database.psql(
            "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database \
             WHERE datname = current_database()",
        );
        let response = call.await.expect(status);
        let count = self.database.psql(
            "SELECT coalesce(sum(s.calls), 0) FROM pg_stat_statements AS s \
             JOIN pg_database AS d ON d.oid = s.dbid \
             WHERE d.datname = current_database() AND s.toplevel \
             AND s.query NOT LIKE '%pg_stat_%'",
        );
        self.counts.insert(endpoint.to_owned(), count);
        response
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "bench/statements shows it")]
async fn endpoints_cost_what_the_documentation_says() {
    if is_skipped() {
        return;
    }
    let app = TestApp::on_postgres().await;
    let database = app.database().unwrap();
    let mut counter = Counter::of(database);
    call_every_endpoint(&app, &mut counter).await;
    let mut counts = counter.counts;

    let direct = Direct::with(TestApp::on_postgres_in_a_bucket(Bucket::on(Swift::shared())).await);
    let direct = direct.await;
    let mut counter = Counter::of(direct.app.database().unwrap());
    let complete = direct.completing().await;
    let endpoint = "POST /sessions/{sessionId}/files/{fileId}/complete, of parts put into a bucket";
    counter.count(endpoint, complete, 200).await;
    counts.append(&mut counter.counts);

    for (endpoint, count) in &counts {
        println!("{count}  {endpoint}");
    }
    assert_eq!(counts, documented());
}

async fn call_every_endpoint(app: &TestApp, counter: &mut Counter<'_>) {
    let alice = app.user("alice");
    let files = [
        LocalFile::pdf("castle.pdf", 1500).with("hash", "ab".repeat(20)),
        LocalFile::image("front.jpg", 100),
        LocalFile::csv("parts.csv", 100),
    ];
    let create = alice
        .post(SESSIONS)
        .header("idempotency-key", "key")
        .json(&create_body(&files));
    let created = counter.count("POST /sessions", create, 201).await;
    let id = created.json()["sessionId"].as_str().unwrap().to_owned();
    let register = alice.register_call(&id, &files[0]);
    let registered = counter
        .count("POST /sessions/{sessionId}/files", register, 201)
        .await;
    let castle = RemoteFile::new(&id, &registered.json());
    let batch = alice
        .post(format!("{SESSIONS}/{id}/files/batch"))
        .json(&json!({ "files": [files[1].metadata, files[2].metadata] }));
    let batch = counter
        .count("POST /sessions/{sessionId}/files/batch", batch, 200)
        .await;
    let put = alice.put_part(&castle, 1, files[0].part(1, 1024));
    counter
        .count(
            "PUT /sessions/{sessionId}/files/{fileId}/parts/{partNumber}",
            put,
            200,
        )
        .await;
    alice
        .put_part(&castle, 2, files[0].part(2, 1024))
        .await
        .expect(200);
    let list = alice.get(format!("{}/parts", castle.path));
    let list = counter
        .count("GET /sessions/{sessionId}/files/{fileId}/parts", list, 200)
        .await;
    let complete = alice.complete_call(&castle, &list.json());
    counter
        .count(
            "POST /sessions/{sessionId}/files/{fileId}/complete",
            complete,
            200,
        )
        .await;
    let content = alice.get(format!("{}/content", castle.path));
    counter
        .count(
            "GET /sessions/{sessionId}/files/{fileId}/content",
            content,
            200,
        )
        .await;
    let get = alice.get(session_path(&id));
    counter.count("GET /sessions/{sessionId}", get, 200).await;
    counter
        .count("GET /sessions", alice.get(SESSIONS), 200)
        .await;
    for (result, file) in batch.json()["results"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&files[1..])
    {
        let remote = RemoteFile::new(&id, result);
        let parts = alice.put_parts(&remote, file).await;
        alice.complete_call(&remote, &parts).await.expect(200);
    }
    let finalize = alice.finalize_call(&id, "Castle");
    counter
        .count("POST /sessions/finalize", finalize, 201)
        .await;

    let other = LocalFile::pdf("tower.pdf", 10);
    let id = alice.create_session(std::slice::from_ref(&other)).await;
    alice.register(&id, &other).await;
    let cancel = alice.delete(session_path(&id));
    counter
        .count("DELETE /sessions/{sessionId}", cancel, 204)
        .await;
    let ready = app.anonymous().get("/readyz");
    counter.count("GET /readyz", ready, 200).await;
}
