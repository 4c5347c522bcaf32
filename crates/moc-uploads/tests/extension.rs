//! Automatic extension by the real binary: by two replicas where the database has any number of them
//! (CONTRACT section 1.7).

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use moc_uploads_testkit::server::{Server, Stores, share_stores, stores};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

const FILES: usize = 50;
const PDF: &[u8] = b"%PDF-1.7\n%%EOF\n";

/// Each in a folder of its own, on the same stores.
fn start(folders: &[&Path]) -> (Vec<Server>, Arc<Stores>) {
    let stores = stores(folders[0]);
    let count = match stores.database {
        Some(_) => folders.len(),
        None => 1,
    };
    let start = |folder: &&Path| {
        share_stores(folder, &stores);
        let binary = env!("CARGO_BIN_EXE_moc-uploads");
        Server::start(binary, folder, &[("MAX_BATCH_SIZE", "50")])
    };
    (folders[..count].iter().map(start).collect(), stores)
}

/// Whose end is near, as if ten minutes had passed.
fn age(stores: &Stores, minutes_old: i32, minutes_left: i32) {
    let in_minutes = |minutes: i32| match stores.database {
        Some(_) => format!("now() + interval '{minutes} minutes'"),
        None => format!("(unixepoch() + {minutes} * 60) * 1000"),
    };
    stores.sql(&format!(
        "UPDATE upload_sessions SET created_at = {}, expires_at = {}",
        in_minutes(-minutes_old),
        in_minutes(minutes_left),
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
async fn fifty_parts_at_once_extend_a_session_once() {
    // Of several in one process the first wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (servers, stores) = start(&folders.each_ref().map(|folder| folder.path()));
    let http = Client::new();
    let base = |index: usize| {
        format!(
            "{}/api/mocs/uploads/sessions",
            servers[index % servers.len()].url()
        )
    };
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
    age(&stores, 10, 5);
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
    age(&stores, 24 * 60 - 3, 3);
    let expires_at = || stores.sql("SELECT expires_at FROM upload_sessions");
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
    age(&stores, 24 * 60, 0);
    let expired = expires_at();
    for part in join_all(file_ids.iter().enumerate().map(part)).await {
        assert_eq!(part.0, 410, "{part:?}");
        assert_eq!(part.1["code"], "SESSION_EXPIRED");
    }
    assert_eq!(expires_at(), expired);
}
