//! Three replicas on one PostgreSQL and one bucket behind a proxy: replicas are killed and the
//! database is stopped while clients upload. All get to their MOC, and nothing is left over.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "replicas/fleet.rs"]
mod fleet;
#[path = "support/orphans.rs"]
mod orphans;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use moc_uploads_testkit::postgres::{Cluster, is_skipped};
use moc_uploads_testkit::s3::Bucket;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::Semaphore;

use fleet::Fleet;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");
const UPLOADS: usize = 200;
const CLIENTS: usize = 12;
/// Every so many uploads one has a file of three parts, and a second file.
const LARGE_EVERY: usize = 10;
const REPLICAS: usize = 3;
/// How long a replica lives; how long the database is away. Neither waits for anything: they are
/// what clients have to live with.
const LIFE: Duration = Duration::from_millis(2500);
const OUTAGE: Duration = Duration::from_millis(1500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_outlive_replicas_and_outages_of_the_database() {
    if is_skipped() {
        return;
    }
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    let cluster = Cluster::private();
    let bucket = Bucket::shared().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let database_url = cluster.url("postgres");
    let fleet = Arc::new(Fleet::start(
        BINARY,
        folder.path(),
        &database_url,
        &bucket,
        REPLICAS,
    ));
    let url = fleet.url();

    let finished = Arc::new(AtomicUsize::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let killing = tokio::task::spawn_blocking({
        let (fleet, is_over) = (fleet.clone(), is_over.clone());
        move || {
            let mut kills = 0;
            while !is_over.load(Ordering::SeqCst) {
                std::thread::sleep(LIFE);
                fleet.replace(kills % REPLICAS);
                kills += 1;
            }
            kills
        }
    });
    let stopping = tokio::task::spawn_blocking({
        let finished = finished.clone();
        move || {
            for quarter in 1..=3 {
                while finished.load(Ordering::SeqCst) < UPLOADS * quarter / 4 {
                    std::thread::yield_now();
                    std::thread::sleep(Duration::from_millis(20));
                }
                cluster.stop();
                std::thread::sleep(OUTAGE);
                cluster.start();
            }
            cluster
        }
    });
    let http = reqwest::Client::new();
    let watching = tokio::spawn(watch(http.clone(), url.clone(), is_over.clone()));

    let permits = Arc::new(Semaphore::new(CLIENTS));
    let mut uploads = tokio::task::JoinSet::new();
    for number in 0..UPLOADS {
        let (permits, finished) = (permits.clone(), finished.clone());
        let (url, folder) = (url.clone(), folder.path().to_owned());
        uploads.spawn(async move {
            let _permit = permits.acquire_owned().await.unwrap();
            let made = upload(&url, &folder, number).await;
            finished.fetch_add(1, Ordering::SeqCst);
            made
        });
    }
    let made = uploads.join_all().await;
    is_over.store(true, Ordering::SeqCst);
    let cluster = stopping.await.unwrap();
    let kills = killing.await.unwrap();
    let statuses = watching.await.unwrap();

    assert!(kills >= REPLICAS, "only {kills} replicas were killed");
    let expected = BTreeSet::from([200, 503]);
    assert_eq!(statuses, expected, "of a request that only reads");
    assert_eq!(fleet.unexpected_answers(), Vec::<Value>::new());
    for uploaded in &made {
        uploaded.check(&http, &url).await;
        for reason in &uploaded.retries {
            // Nobody answered, or nothing but 503.
            let is_passing = reason.starts_with("no answer from") || reason.contains("(503 ");
            assert!(is_passing, "{reason}");
        }
    }
    let retry_count = made.iter().filter(|made| !made.retries.is_empty()).count();
    assert!(retry_count > 0, "no client noticed anything");
    let ids: BTreeSet<_> = made.iter().map(|made| &made.moc_id).collect();
    assert_eq!(ids.len(), UPLOADS);
    let psql = |sql| cluster.psql("postgres", sql);
    assert_eq!(
        psql("SELECT count(*) FROM moc_instructions"),
        UPLOADS.to_string()
    );
    assert_eq!(
        psql("SELECT DISTINCT status FROM upload_session_files"),
        "completed"
    );
    assert_eq!(
        psql("SELECT DISTINCT status FROM upload_sessions"),
        "completed"
    );

    // What a replica began that was killed before it could record it.
    orphans::sweep_as_of_tomorrow(&database_url, &bucket).await;
    assert_eq!(bucket.unfinished(), Vec::<String>::new());
    let file_count: usize = made.iter().map(|made| made.files.len()).sum();
    assert_eq!(bucket.objects().len(), file_count);
}

/// Statuses of a request that goes to whichever replica comes next, until the uploads are over.
async fn watch(http: reqwest::Client, url: String, is_over: Arc<AtomicBool>) -> BTreeSet<u16> {
    let mut statuses = BTreeSet::new();
    while !is_over.load(Ordering::SeqCst) {
        let list = format!("{url}/api/mocs/uploads/sessions?limit=1");
        // A replica that dies answers nothing.
        if let Ok(answer) = http.get(list).send().await {
            statuses.insert(answer.status().as_u16());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    statuses
}

struct Uploaded {
    moc_id: String,
    session_id: String,
    /// By key.
    files: BTreeMap<String, PathBuf>,
    /// Why requests were tried again.
    retries: Vec<String>,
}

impl Uploaded {
    /// Each file comes back as it was.
    async fn check(&self, http: &reqwest::Client, url: &str) {
        let session = format!("{url}/api/mocs/uploads/sessions/{}", self.session_id);
        let listed: Value = get(http, &session).await.json().await.unwrap();
        let listed = listed["files"].as_array().unwrap();
        assert_eq!(listed.len(), self.files.len());
        for file in listed {
            let (id, key) = (&file["fileId"], file["key"].as_str().unwrap());
            let content = format!("{session}/files/{}/content", id.as_str().unwrap());
            let bytes = get(http, &content).await.bytes().await.unwrap();
            assert!(
                bytes == std::fs::read(&self.files[key]).unwrap(),
                "{content}"
            );
        }
    }
}

async fn get(http: &reqwest::Client, url: &str) -> reqwest::Response {
    let answer = http.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    answer
}

async fn upload(url: &str, folder: &Path, number: usize) -> Uploaded {
    let home = folder.join(format!("client-{number}"));
    std::fs::create_dir(&home).unwrap();
    let pdf = |size| write(&home.join("castle.pdf"), b"%PDF-1.7\n", size, number);
    let files = if number.is_multiple_of(LARGE_EVERY) {
        let csv = write(&home.join("parts.csv"), b"part,quantity\n", 500, number);
        vec![pdf((10 << 20) + 1), csv]
    } else {
        vec![pdf(3000 + number)]
    };
    let output = Command::new(BINARY)
        .env_clear()
        .env("HOME", &home)
        .args(["upload", "--json", "--server", url, "--title"])
        .arg(format!("Castle {number}"))
        .args(&files)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "upload {number}: {said}{error}");
    let events: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let session = events.iter().find(|event| event["event"] == "session");
    Uploaded {
        moc_id: text(&events.last().unwrap()["moc"]["id"]),
        session_id: text(&session.unwrap()["sessionId"]),
        files: files.into_iter().map(|file| (name(&file), file)).collect(),
        retries: events
            .iter()
            .filter(|event| event["event"] == "retry")
            .map(|event| text(&event["reason"]))
            .collect(),
    }
}

fn name(file: &Path) -> String {
    file.file_name().unwrap().to_str().unwrap().to_owned()
}

/// A file that begins with what its type begins with, and is no other's.
fn write(path: &Path, head: &[u8], size: usize, number: usize) -> PathBuf {
    let mut bytes = head.to_vec();
    let mut line = 0;
    while bytes.len() < size {
        bytes.extend(format!("{number},{line}\n").bytes());
        line += 1;
    }
    bytes.truncate(size);
    std::fs::write(path, bytes).unwrap();
    path.to_owned()
}
