//! What hostile bodies cost in memory, at the process's peak.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use moc_uploads_testkit::server::Server;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");
const SESSIONS: &str = "/api/mocs/uploads/sessions";
const BODIES_AT_ONCE: usize = 8;

fn peak_bytes(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = peak.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<usize>().unwrap() * 1024
}

/// The status line of the answer.
fn post(server: SocketAddr, path: &str, framing: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(server).unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// How much the peak grows while several clients send this body at once.
fn growth(path: &str, framing: &str, body: &[u8], status: &str) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(BINARY, folder.path(), &[]);
    // Whatever the first request of all takes is not the body's.
    let address = server.address();
    post(address, path, "Content-Length: 2", b"{}");
    let before = peak_bytes(&server);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..BODIES_AT_ONCE)
            .map(|_| scope.spawn(|| post(address, path, framing, body)))
            .collect();
        for client in clients {
            let answer = client.join().unwrap();
            assert!(answer.contains(status), "{answer}");
        }
    });
    peak_bytes(&server) - before
}

#[test]
fn a_body_in_chunks_of_one_byte_takes_little_more_than_its_size() {
    const SIZE: usize = 128 * 1024;
    let mut body = b"1\r\n \r\n".repeat(SIZE);
    body.extend_from_slice(b"2\r\n{}\r\n0\r\n\r\n");
    let growth = growth(SESSIONS, "Transfer-Encoding: chunked", &body, " 422 ");
    // Beside the bodies: what connections and sockets buffer.
    let limit = BODIES_AT_ONCE * (4 * SIZE + 2 * 1024 * 1024);
    assert!(growth < limit, "{growth} bytes");
}

#[test]
fn lists_of_nothing_take_little_more_than_their_size() {
    let objects = vec!["{}"; 300_000].join(",");
    let elsewhere = format!("{SESSIONS}/00000000-0000-4000-8000-000000000000");
    for (path, member) in [
        (SESSIONS.to_owned(), "files"),
        (format!("{elsewhere}/files/batch"), "files"),
        (
            format!("{elsewhere}/files/00000000-0000-4000-8000-000000000000/complete"),
            "parts",
        ),
    ] {
        let body = format!(r#"{{"{member}":[{objects}]}}"#);
        let framing = format!("Content-Length: {}", body.len());
        let growth = growth(&path, &framing, body.as_bytes(), " 422 ");
        let limit = BODIES_AT_ONCE * 8 * 1024 * 1024;
        assert!(growth < limit, "{path}: {growth} bytes");
    }
}
