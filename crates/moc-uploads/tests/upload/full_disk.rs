//! The embedded default on a disk that is full: a small file system in a mount namespace of its own,
//! which needs no rights.

use std::fs;
use std::process::Command;

use moc_uploads_testkit::server::Server;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::place::{BINARY, MIB, Place};

const SESSIONS: &str = "/api/mocs/uploads/sessions";

/// A server whose data is on a disk of 24 MiB, which only it sees.
fn on_a_small_disk(place: &Place) -> Server {
    let data = place.path("data");
    fs::create_dir(&data).unwrap();
    let script = "mount -t tmpfs -o size=24m none \"$DATA_DIR\" && exec \"$0\" serve";
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(BINARY)
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("DATA_DIR", data)
        .env("PORT", "0")
        .env("LOG_FORMAT", "json");
    Server::from_command(command)
}

/// Status and body.
async fn call(server: &Server, method: Method, path: &str, body: Vec<u8>) -> (u16, Value) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, format!("{}{path}", server.url()));
    let request = request.header("content-type", "application/json");
    let answer = request.body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_full_disk_is_503_and_keeps_what_was_acknowledged() {
    let place = Place::new();
    let server = on_a_small_disk(&place);
    let bytes = fs::read(place.pdf(6 * MIB)).unwrap();
    let file = json!({
        "category": "instruction", "name": "castle.pdf", "type": "application/pdf", "ext": "pdf",
        "size": bytes.len(),
    });
    let create = json!({ "files": [file] }).to_string();
    let post = async |path: &str, body: &str| {
        call(&server, Method::POST, path, body.as_bytes().to_vec()).await
    };
    let (_, session) = post(SESSIONS, &create).await;
    let files = format!(
        "{SESSIONS}/{}/files",
        session["sessionId"].as_str().unwrap()
    );
    let (_, registered) = post(&files, &file.to_string()).await;
    let file = format!("{files}/{}", registered["fileId"].as_str().unwrap());
    let put = async |number: usize| {
        let part = bytes.chunks(5 * MIB).nth(number - 1).unwrap().to_vec();
        call(
            &server,
            Method::PUT,
            &format!("{file}/parts/{number}"),
            part,
        )
        .await
    };
    let (status, first) = put(1).await;
    assert_eq!(status, 200, "{first}");

    let data = place.path("data");
    let filler = format!("/proc/{}/root{}/filler", server.pid(), data.display());
    fs::write(&filler, vec![0; 24 * MIB]).unwrap_err();
    for (answer, code) in [
        (put(2).await, "STORAGE_UNAVAILABLE"),
        (post(SESSIONS, &create).await, "DATABASE_UNAVAILABLE"),
    ] {
        assert_eq!((answer.0, answer.1["code"].as_str()), (503, Some(code)));
        assert_eq!(answer.1["retryable"], true);
    }
    let get = async |path: &str| call(&server, Method::GET, path, Vec::new()).await;
    let (status, listed) = get(&format!("{file}/parts")).await;
    assert_eq!(
        (status, listed["parts"].as_array().unwrap().len()),
        (200, 1)
    );

    fs::remove_file(&filler).unwrap();
    let (status, second) = put(2).await;
    assert_eq!(status, 200, "{second}");
    let parts = json!({ "parts": [first, second] }).to_string();
    let (status, completed) = post(&format!("{file}/complete"), &parts).await;
    assert_eq!(status, 200, "{completed}");
    let url = completed["fileUrl"].as_str().unwrap().to_owned();
    let content = tokio::task::spawn_blocking(move || crate::get(&url)).await;
    assert!(content.unwrap() == bytes, "it came back changed");
}
