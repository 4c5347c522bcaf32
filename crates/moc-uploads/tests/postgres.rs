//! The real binary on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use moc_uploads_testkit::postgres::{Cluster, is_skipped};
use moc_uploads_testkit::server::Server;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

/// Longer than any recovery takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn status(server: &Server, path: &str) -> u16 {
    let mut connection = TcpStream::connect(server.address()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).unwrap();
    response.split(' ').nth(1).unwrap().parse().unwrap()
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
    assert_eq!(status(&server, "/healthz"), 200);
    assert_eq!(status(&server, "/readyz"), 503);
    assert_eq!(status(&server, "/api/mocs/uploads/sessions"), 503);
    cluster.start();
    let started_at = Instant::now();
    while status(&server, "/readyz") != 200 {
        assert!(started_at.elapsed() < PATIENCE, "it does not recover");
    }

    upload(&server, folder.path(), "tower");
    let slugs = "SELECT slug FROM moc_instructions ORDER BY created_at";
    assert_eq!(cluster.psql("postgres", slugs), "castle\ntower");
    assert!(!data.join("moc-uploads.db").exists());
}
