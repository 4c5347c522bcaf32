//! Automatic extension on two replicas of the real binary (CONTRACT section 1.7).

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;

use futures_util::future::join_all;
use moc_uploads_testkit::postgres::{self, Database};
use moc_uploads_testkit::server::Server;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

const FILES: usize = 50;
const PDF: &[u8] = b"%PDF-1.7\n%%EOF\n";

fn start(folder: &Path, database: &Database) -> Server {
    let url = database.url();
    let settings = [("DATABASE_URL", url.as_str()), ("MAX_BATCH_SIZE", "50")];
    Server::start(env!("CARGO_BIN_EXE_moc-uploads"), folder, &settings)
}

/// Whose end is near, as if ten minutes had passed.
fn age(database: &Database, minutes_old: u32, minutes_left: i32) {
    database.psql(&format!(
        "UPDATE upload_sessions SET
           created_at = now() - interval '{minutes_old} minutes',
           expires_at = now() + interval '{minutes_left} minutes'"
    ));
}

fn extensions(servers: &[Server]) -> Vec<Value> {
    let lines = servers.iter().flat_map(Server::log);
    lines
        .filter(|line| line["message"] == "session extended")
        .collect()
}

async fn send(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_parts_at_once_through_two_replicas_extend_a_session_once() {
    if postgres::is_skipped() {
        return;
    }
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let database = Database::empty();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let servers = folders
        .each_ref()
        .map(|folder| start(folder.path(), &database));
    let http = Client::new();
    let base = |index: usize| format!("{}/api/mocs/uploads/sessions", servers[index % 2].url());
    let files: Vec<Value> = (0..FILES)
        .map(|number| {
            json!({
                "category": "instruction", "name": format!("{number}.pdf"), "size": PDF.len(),
                "type": "application/pdf", "ext": "pdf",
            })
        })
        .collect();
    let body = json!({ "files": files });
    let (status, created) = send(http.post(base(0)).json(&body)).await;
    assert_eq!(status, 201, "{created}");
    let id = created["sessionId"].as_str().unwrap();
    let batch = http
        .post(format!("{}/{id}/files/batch", base(0)))
        .json(&body);
    let registered = send(batch).await.1;
    let file_ids: Vec<&str> = registered["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["fileId"].as_str().unwrap())
        .collect();
    assert_eq!(file_ids.len(), FILES);

    let part = |(index, file_id): (usize, &&str)| {
        let url = format!("{}/{id}/files/{file_id}/parts/1", base(index));
        send(http.put(url).body(PDF))
    };
    age(&database, 10, 5);
    let parts = join_all(file_ids.iter().enumerate().map(part)).await;
    assert!(parts.iter().all(|(status, _)| *status == 200), "{parts:?}");
    let extending: Vec<_> = parts
        .iter()
        .filter(|(_, answer)| answer["sessionExtended"] == true)
        .collect();
    assert_eq!(extending.len(), 1, "{extending:?}");
    let logged = extensions(&servers);
    assert_eq!(logged.len(), 1, "{logged:?}");
    let line = &logged[0];
    assert_eq!(line["session_id"], id);
    assert_eq!(line["action"], "upload_part");
    assert_eq!(line["new_expires_at"], extending[0].1["newExpiresAt"]);

    // Reading is no activity, and neither is activity at the cap: 24 hours.
    age(&database, 24 * 60 - 3, 3);
    let expires_at = || database.psql("SELECT expires_at FROM upload_sessions");
    let at_the_cap = expires_at();
    for path in [
        String::new(),
        format!("/{id}"),
        format!("/{id}/files/{}/parts", file_ids[0]),
    ] {
        assert_eq!(send(http.get(base(1) + &path)).await.0, 200);
    }
    let parts = join_all(file_ids.iter().enumerate().map(part)).await;
    assert!(parts.iter().all(|(status, _)| *status == 200), "{parts:?}");
    assert_eq!(expires_at(), at_the_cap);
    assert_eq!(extensions(&servers).len(), 1);

    // What has expired stays so, though it is in use.
    age(&database, 24 * 60, 0);
    let expired = expires_at();
    for part in join_all(file_ids.iter().enumerate().map(part)).await {
        assert_eq!(part.0, 410, "{part:?}");
        assert_eq!(part.1["code"], "SESSION_EXPIRED");
    }
    assert_eq!(expires_at(), expired);
}
