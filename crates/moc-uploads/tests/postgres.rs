//! The real binary on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use moc_uploads_testkit::postgres::{Cluster, Database, is_skipped};
use moc_uploads_testkit::server::{Server, stores};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

/// Longer than any recovery takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

const SESSIONS: &str = "/api/mocs/uploads/sessions";

fn status(address: SocketAddr, path: &str) -> u16 {
    request(address, "GET", path, "").0
}

/// Status and body of the answer.
fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let connection = begin(address, method, path, body.len());
    finish(connection, body)
}

/// Everything up to the body.
fn begin(address: SocketAddr, method: &str, path: &str, length: usize) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
    .unwrap();
    connection
}

fn finish(mut connection: TcpStream, rest: &str) -> (u16, Value) {
    connection.write_all(rest.as_bytes()).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_default())
}

fn wait_until_ready(address: SocketAddr) {
    let started_at = Instant::now();
    while status(address, "/readyz") != 200 {
        assert!(started_at.elapsed() < PATIENCE, "it does not recover");
    }
}

/// The path of a registered file of so many bytes.
fn register(address: SocketAddr, size: usize) -> String {
    let file = json!({
        "category": "instruction", "name": "castle.pdf", "size": size, "type": "application/pdf",
        "ext": "pdf",
    });
    let session = json!({ "files": [file] }).to_string();
    let (_, session) = request(address, "POST", SESSIONS, &session);
    let id = session["sessionId"].as_str().unwrap();
    let files = format!("{SESSIONS}/{id}/files");
    let (_, file) = request(address, "POST", &files, &file.to_string());
    format!("{files}/{}", file["fileId"].as_str().unwrap())
}

fn upload(server: &Server, folder: &Path, title: &str) {
    let file = folder.join(format!("{title}.pdf"));
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.resize(6 * 1024 * 1024, b'x');
    pdf.extend(title.as_bytes());
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new(BINARY)
        .env_clear()
        .env("HOME", folder)
        .args(["upload", "--title", title, "--server"])
        .arg(format!("http://{}", server.address()))
        .arg(file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn uploads_go_through_and_an_outage_ends_without_a_restart() {
    if is_skipped() {
        return;
    }
    let cluster = Cluster::private();
    let url = cluster.url("postgres");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = Server::start(BINARY, &data, &[("DATABASE_URL", &url)]);
    upload(&server, folder.path(), "castle");

    cluster.stop();
    assert_eq!(status(server.address(), "/healthz"), 200);
    assert_eq!(status(server.address(), "/readyz"), 503);
    let (code, problem) = request(server.address(), "GET", SESSIONS, "");
    assert_eq!(code, 503);
    assert_eq!(problem["code"], "DATABASE_UNAVAILABLE");
    assert_eq!(problem["retryable"], true);
    cluster.start();
    wait_until_ready(server.address());

    upload(&server, folder.path(), "tower");
    let slugs = "SELECT slug FROM moc_instructions ORDER BY created_at";
    assert_eq!(cluster.psql("postgres", slugs), "castle\ntower");
    assert!(!data.join("moc-uploads.db").exists());
}

#[test]
fn a_part_whose_record_cannot_be_written_is_not_acknowledged() {
    if is_skipped() {
        return;
    }
    let cluster = Cluster::private();
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url("postgres");
    let server = Server::start(BINARY, folder.path(), &[("DATABASE_URL", &url)]);
    let bytes = "x".repeat(1000);
    let file = register(server.address(), bytes.len());
    let part = format!("{file}/parts/1");
    let list = format!("{file}/parts");

    let mut put = begin(server.address(), "PUT", &part, bytes.len());
    put.write_all(&bytes.as_bytes()[..500]).unwrap();
    // It has been let in: what it asked the database is answered.
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%part_number = $3)%' \
                 AND state = 'idle' AND application_name <> 'psql'";
    while cluster.psql("postgres", asked) == "0" {
        std::thread::yield_now();
    }
    cluster.stop();
    let (code, problem) = finish(put, &bytes[500..]);
    assert_eq!(
        (code, &problem["code"]),
        (503, &json!("DATABASE_UNAVAILABLE"))
    );

    cluster.start();
    wait_until_ready(server.address());
    let (_, listed) = request(server.address(), "GET", &list, "");
    let parts = listed["parts"].as_array().unwrap().iter();
    let sizes: Vec<_> = parts.map(|part| part["size"].as_u64().unwrap()).collect();
    // A bucket has its own records, of whatever it has stored.
    let stored: &[u64] = match stores(folder.path()).bucket {
        None => &[],
        Some(_) => &[1000],
    };
    assert_eq!(sizes, stored);
    assert_eq!(request(server.address(), "PUT", &part, &bytes).0, 200);
    let (_, listed) = request(server.address(), "GET", &list, "");
    let complete = format!("{file}/complete");
    assert_eq!(
        request(server.address(), "POST", &complete, &listed.to_string()).0,
        200
    );
}

#[test]
fn when_all_connections_are_taken_waiting_is_bounded() {
    if is_skipped() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let database = Database::empty();
    let variables = [
        ("DATABASE_URL", database.url()),
        ("DATABASE_MAX_CONNECTIONS", "1".to_owned()),
        ("DATABASE_CONNECT_TIMEOUT_MS", "300".to_owned()),
        ("DATABASE_STATEMENT_TIMEOUT_MS", "60000".to_owned()),
        // It would want the connection, too.
        ("REAPER_INTERVAL_SECONDS", "3600".to_owned()),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let server = Server::start(BINARY, folder.path(), &variables);
    let file = register(server.address(), 1000);
    let session = file.split("/files/").next().unwrap().to_owned();

    let mut holder = database
        .psql_command()
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut script = holder.stdin.take().unwrap();
    writeln!(script, "BEGIN; SELECT 1 FROM upload_sessions FOR UPDATE;").unwrap();
    let waiting = "SELECT count(*) FROM pg_locks WHERE mode = 'RowShareLock' AND database = \
                   (SELECT oid FROM pg_database WHERE datname = current_database())";
    while database.psql(waiting) == "0" {
        std::thread::yield_now();
    }
    std::thread::scope(|threads| {
        let address = server.address();
        let cancelled = threads.spawn(move || request(address, "DELETE", &session, "").0);
        let blocked = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN \
                       (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        while database.psql(blocked) == "0" {
            std::thread::yield_now();
        }
        let (code, problem) = request(server.address(), "GET", SESSIONS, "");
        assert_eq!(
            (code, &problem["code"]),
            (503, &json!("DATABASE_UNAVAILABLE"))
        );
        assert_eq!(status(server.address(), "/readyz"), 503);
        assert_eq!(status(server.address(), "/healthz"), 200);
        drop(script);
        holder.wait().unwrap();
        assert_eq!(cancelled.join().unwrap(), 204);
    });
    assert_eq!(status(server.address(), SESSIONS), 200);
}
