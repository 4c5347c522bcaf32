//! Starts servers for tests that are no Rust: by requests on loopback.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::routing::post;
use axum::{Json, Router};
use moc_uploads_testkit::s3::Bucket;
use moc_uploads_testkit::server::{Server, stores};
use serde_json::{Value, json};
use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

/// Serves until it is dropped.
pub(crate) struct Host {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

type Servers = Arc<Mutex<HashMap<u32, (Server, TempDir)>>>;

impl Host {
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let router = Router::new()
            .route("/store", post(object_store))
            .route("/servers", post(start))
            .route("/servers/{id}/stop", post(stop))
            .route("/servers/{id}/expire/{session}", post(expire))
            .with_state(Servers::default());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
        let listener = listener.unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Where clients reach the object store by themselves, if they do.
async fn object_store() -> Json<Value> {
    let endpoint = || {
        let folder = tempfile::tempdir().unwrap();
        stores(folder.path()).bucket.as_ref().map(Bucket::endpoint)
    };
    Json(json!({"endpoint": tokio::task::block_in_place(endpoint)}))
}

/// The body is the server's environment; the answer says where it is.
async fn start(
    State(servers): State<Servers>,
    Json(variables): Json<HashMap<String, String>>,
) -> Json<Value> {
    let started = tokio::task::spawn_blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        // Clients are sent to the bucket for what is in it, where there is one.
        let environment = [("CONTENT_DELIVERY", "redirect")].into_iter();
        let environment: Vec<_> = environment
            .chain(
                variables
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            )
            .collect();
        let server = Server::start(BINARY, folder.path(), &environment);
        let answer = json!({"id": server.pid(), "url": server.url()});
        let mut running = servers.lock().unwrap();
        running.insert(server.pid(), (server, folder));
        answer
    });
    Json(started.await.unwrap())
}

/// It has to come to its end in good order.
async fn stop(State(servers): State<Servers>, Path(id): Path<u32>) -> Json<Value> {
    let (server, _folder) = servers.lock().unwrap().remove(&id).unwrap();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    let status = stopped.await.unwrap();
    assert!(status.success(), "{status}");
    Json(json!({}))
}

/// Moves the end of a session into the past.
async fn expire(
    State(servers): State<Servers>,
    Path((id, session)): Path<(u32, String)>,
) -> Json<Value> {
    let running = servers.lock().unwrap();
    let (_, folder) = &running[&id];
    let sql = format!(
        "UPDATE upload_sessions SET expires_at = created_at WHERE id = '{session}' RETURNING id"
    );
    let expired = tokio::task::block_in_place(|| stores(folder.path()).sql(&sql));
    // `psql` says what it did, too.
    assert_eq!(expired.lines().next(), Some(session.as_str()));
    Json(json!({}))
}
