//! The server is killed at random moments while clients upload, and started again: nothing that it
//! acknowledged is lost, every client gets to its MOC, and nothing is left over in the store.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "crash/client.rs"]
mod client;
#[path = "support/orphans.rs"]
mod orphans;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use moc_uploads_testkit::server::{Server, stores};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

/// On the pair without configuration. What the others have of their own in a crash are few steps, at
/// each of which the HTTP tests stop a server; here they are stopped at any. So few rounds all have to
/// count: there a server lives until it has acknowledged something.
const ROUNDS: u64 = 50;
const ROUNDS_ON_OTHERS: u64 = 8;
const CLIENTS: u64 = 4;

fn start(data_dir: &Path, port: &str) -> Server {
    Server::start(
        env!("CARGO_BIN_EXE_moc-uploads"),
        data_dir,
        &[
            ("PORT", port),
            ("RATE_LIMIT_BYPASS", "true"),
            ("RUST_LOG", "warn,moc_uploads=info"),
        ],
    )
}

/// The names of all files below a folder.
fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(files_below(&path));
        } else {
            names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_however_often_the_server_is_killed() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    let data = tempfile::tempdir().unwrap();
    let stores = stores(data.path());
    let is_default = stores.is_default();
    let rounds = if is_default { ROUNDS } else { ROUNDS_ON_OTHERS };
    let mut server = start(data.path(), "0");
    let port = server.address().port().to_string();
    let url = server.url();
    let is_over = Arc::new(AtomicBool::new(false));
    let (acknowledged, mut parts) = watch::channel(0);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|seed| {
            tokio::spawn(client::run(
                url.clone(),
                seed,
                is_over.clone(),
                acknowledged.clone(),
            ))
        })
        .collect();
    // When no client is left, nobody waits for what they send.
    drop(acknowledged);

    let mut rng = StdRng::seed_from_u64(rand::random());
    let mut rounds_with_progress = 0;
    for _ in 0..rounds {
        let before = *parts.borrow();
        if !is_default {
            parts.wait_for(|count| *count > before).await.unwrap();
        }
        // The moment of the kill is the random input of this test; nothing waits for time here.
        tokio::time::sleep(Duration::from_millis(rng.random_range(5..400))).await;
        server.kill_hard();
        rounds_with_progress += u64::from(*parts.borrow() > before);
        server = start(data.path(), &port);
    }
    is_over.store(true, Ordering::SeqCst);
    let mut object_keys = Vec::new();
    let mut moc_count = 0;
    for client in clients {
        let finished = client.await.unwrap();
        moc_count += finished.moc_count;
        object_keys.extend(finished.object_keys);
    }
    assert!(moc_count >= CLIENTS, "only {moc_count} MOCs were made");
    assert!(
        rounds_with_progress > rounds / 2,
        "the server was mostly killed before it did anything ({rounds_with_progress} rounds)"
    );

    // The sweep at the next start removes what the crashes left.
    assert!(server.stop().success());
    assert!(start(data.path(), &port).stop().success());
    object_keys.sort();
    if let Some(bucket) = &stores.bucket {
        orphans::sweep_as_of_tomorrow(&stores.database_url(), bucket).await;
        assert_eq!(bucket.unfinished(), Vec::<String>::new());
        assert_eq!(bucket.objects(), object_keys);
    } else {
        let blobs = data.path().join("blobs");
        assert_eq!(files_below(&blobs.join("uploads")), Vec::<String>::new());
        let names: Vec<_> = object_keys
            .iter()
            .map(|key| key.replace('/', "~"))
            .collect();
        assert_eq!(files_below(&blobs.join("objects")), names);
    }
}
