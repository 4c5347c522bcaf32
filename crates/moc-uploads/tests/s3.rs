//! The real binary on a bucket.
#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use moc_uploads_testkit::s3::{Bucket, Swift, is_skipped};
use moc_uploads_testkit::server::Server;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");
const SESSIONS: &str = "/api/mocs/uploads/sessions";
const MIB: usize = 1024 * 1024;

/// Longer than any recovery takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(bucket: &Bucket, data: &Path, more: &[(&str, &str)]) -> Server {
    let variables = bucket.variables();
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain(more.iter().copied())
        .collect();
    Server::start(BINARY, data, &variables)
}

/// Status and body.
fn request(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let connection = TcpStream::connect(address).unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    (&connection).write_all(head.as_bytes()).unwrap();
    (&connection).write_all(body).unwrap();
    let mut answer = BufReader::new(connection);
    let mut status = String::new();
    answer.read_line(&mut status).unwrap();
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    let body = rest.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status.split(' ').nth(1).unwrap().parse().unwrap(), body)
}

/// The value of a member of a JSON object.
fn member(json: &str, name: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    json[name].as_str().unwrap().to_owned()
}

/// The URL that is printed for the file, and the file.
fn upload(server: &Server, folder: &Path, title: &str) -> (String, PathBuf) {
    let file = folder.join(format!("{title}.pdf"));
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.resize(6 * MIB, b'x');
    pdf.extend(title.as_bytes());
    std::fs::write(&file, pdf).unwrap();
    let output = Command::new(BINARY)
        .env_clear()
        .env("HOME", folder)
        .args(["upload", "--title", title, "--server"])
        .arg(format!("http://{}", server.address()))
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let url = printed.split_whitespace().last().unwrap();
    (url.to_owned(), file)
}

/// What is there, wherever that leads to.
fn download(url: &str) -> Vec<u8> {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--location", url]);
    curl.args(["--noproxy", "*"]);
    let output = curl.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{url}: {said}");
    output.stdout
}

#[test]
fn uploads_go_to_the_bucket_and_an_outage_ends_without_a_restart() {
    if is_skipped() {
        return;
    }
    let bucket = Bucket::on(Swift::private());
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let server = start(&bucket, &data, &[]);
    let (url, file) = upload(&server, folder.path(), "castle");
    assert!(download(&url) == std::fs::read(file).unwrap(), "{url}");
    assert_eq!(bucket.objects().len(), 1);
    assert!(!data.join("blobs").exists());

    bucket.swift().stop();
    let status = |path| request(server.address(), "GET", path, b"").0;
    assert_eq!(status("/healthz"), 200);
    assert_eq!(status("/readyz"), 503);
    bucket.swift().start();
    let started_at = Instant::now();
    while status("/readyz") != 200 {
        assert!(started_at.elapsed() < PATIENCE, "it does not recover");
    }
    upload(&server, folder.path(), "tower");
    assert_eq!(bucket.objects().len(), 2);
    assert_eq!(bucket.unfinished(), Vec::<String>::new());
}

/// Peak resident memory, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let value = line.unwrap().split_whitespace().nth(1);
    value.unwrap().parse().unwrap()
}

#[test]
fn many_parts_at_once_take_little_memory() {
    const PARTS: usize = 64;
    const PART: usize = 5 * MIB;
    if is_skipped() {
        return;
    }
    let bucket = Bucket::on(Swift::shared());
    let folder = tempfile::tempdir().unwrap();
    let limit = [("UPLOAD_PDF_MAX_MB", "400")];
    let server = start(&bucket, &folder.path().join("data"), &limit);
    let address = server.address();
    let file = format!(
        r#"{{"category":"instruction","name":"a.pdf","type":"application/pdf","ext":"pdf","size":{}}}"#,
        PARTS * PART
    );
    let create = format!(r#"{{"files":[{file}]}}"#);
    let (status, session) = request(address, "POST", SESSIONS, create.as_bytes());
    assert_eq!(status, 201, "{session}");
    let files = format!("{SESSIONS}/{}/files", member(&session, "sessionId"));
    let (status, registered) = request(address, "POST", &files, file.as_bytes());
    assert_eq!(status, 201, "{registered}");
    let file = format!("{files}/{}", member(&registered, "fileId"));

    let before_mib = peak_kib(server.pid()) / 1024;
    let part = vec![7; PART];
    let receipts: Vec<String> = std::thread::scope(|scope| {
        let puts: Vec<_> = (1..=PARTS)
            .map(|number| {
                let path = format!("{file}/parts/{number}");
                let part = &part;
                scope.spawn(move || {
                    let started_at = Instant::now();
                    loop {
                        let (status, body) = request(address, "PUT", &path, part);
                        // A store on a busy machine may be too slow: then a client tries again.
                        if status != 503 || started_at.elapsed() > PATIENCE {
                            assert_eq!(status, 200, "{body}");
                            break body;
                        }
                    }
                })
            })
            .collect();
        puts.into_iter().map(|put| put.join().unwrap()).collect()
    });
    let complete = format!(r#"{{"parts":[{}]}}"#, receipts.join(","));
    let path = format!("{file}/complete");
    let (status, completed) = request(address, "POST", &path, complete.as_bytes());
    assert_eq!(status, 200, "{completed}");
    // A debug build is large by itself; the parts have 320 MiB together.
    let peak_mib = peak_kib(server.pid()) / 1024;
    assert!(
        peak_mib - before_mib < 64,
        "{before_mib}, then {peak_mib} MiB"
    );
}
