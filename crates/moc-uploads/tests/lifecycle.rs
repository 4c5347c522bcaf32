//! The server as a process: from its first log line to its exit status.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

#[path = "lifecycle/on_disk.rs"]
mod on_disk;
#[path = "lifecycle/on_sqlite.rs"]
mod on_sqlite;
#[path = "lifecycle/once.rs"]
mod once;

use moc_uploads_testkit::server::{Server, stores};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");

/// A connection that is kept between requests.
struct Connection(BufReader<TcpStream>);

struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Connection {
    fn open(server: &Server) -> Self {
        Self(BufReader::new(
            TcpStream::connect(server.address()).unwrap(),
        ))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn get(&mut self, path: &str) -> Response {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        self.response().unwrap()
    }

    /// The next response; `None` when the connection ends instead.
    fn response(&mut self) -> Option<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).unwrap_or(0) == 0 {
                return None;
            }
        }
        let head = head.to_ascii_lowercase();
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        let mut body = vec![0; content_length(&head)];
        self.0.read_exact(&mut body).ok()?;
        Some(Response {
            status,
            head,
            body: String::from_utf8(body).unwrap(),
        })
    }

    /// Starts to create a session; when this returns, the server waits for the rest of the body.
    fn start_request(&mut self) -> &'static str {
        const BODY: &str = r#"{ "files": [{ "category": "instruction", "name": "a.pdf", "size": 1,
            "type": "application/pdf", "ext": "pdf" }] }"#;
        let (first, rest) = BODY.split_at(20);
        self.send(&format!(
            "POST /api/mocs/uploads/sessions HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\n\r\n",
            BODY.len()
        ));
        assert_eq!(self.response().unwrap().status, 100);
        self.send(first);
        rest
    }
}

fn content_length(head: &str) -> usize {
    head.lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(0, |length| length.trim().parse().unwrap())
}

fn start(variables: &[(&str, &str)]) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(BINARY, folder.path(), variables);
    (folder, server)
}

#[test]
fn running_requests_are_answered_after_sigterm() {
    let (_folder, mut server) = start(&[]);
    let mut idle = Connection::open(&server);
    assert_eq!(idle.get("/readyz").status, 200);
    let mut running = Connection::open(&server);
    let rest = running.start_request();
    server.terminate();
    server.wait_for("shutting down");
    let readiness = idle.get("/readyz");
    assert_eq!(readiness.status, 503);
    assert!(
        readiness.head.contains("connection: close"),
        "{}",
        readiness.head
    );
    assert!(idle.response().is_none());
    assert!(TcpStream::connect(server.address()).is_err());
    running.send(rest);
    let response = running.response().unwrap();
    assert_eq!(response.status, 201, "{}", response.body);
    assert_eq!(server.wait().code(), Some(0));
}

/// A whole HTTP/2 connection: preface, settings and one request. Other than with HTTP/1 the server
/// notices at once when its client goes away.
fn http2_request(method: &str, path: &str) -> Vec<u8> {
    let fields = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
    ];
    let mut block = Vec::new();
    for (name, value) in fields {
        // RFC 7541, 6.2.2: a literal with a new name.
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    let length = u8::try_from(block.len()).unwrap();
    bytes.extend_from_slice(&[0, 0, length, 1, 0x5, 0, 0, 0, 1]);
    bytes.extend_from_slice(&block);
    bytes
}

/// The client is gone before the server is told to stop; what it began still takes several steps.
#[test]
fn what_a_vanished_client_began_is_finished_after_sigterm() {
    let (folder, mut server) = start(&[("SHUTDOWN_GRACE_SECONDS", "3600")]);
    let mut connection = Connection::open(&server);
    let rest = connection.start_request();
    connection.send(rest);
    let created: serde_json::Value =
        serde_json::from_str(&connection.response().unwrap().body).unwrap();
    let stores = stores(folder.path());
    let held = stores.hold_writes();

    let path = format!(
        "/api/mocs/uploads/sessions/{}",
        created["sessionId"].as_str().unwrap()
    );
    let mut vanishing = TcpStream::connect(server.address()).unwrap();
    vanishing
        .write_all(&http2_request("DELETE", &path))
        .unwrap();
    let mut observer = Connection::open(&server);
    let in_flight = "http_requests_in_flight 2";
    assert!((0..1000).any(|_| observer.get("/metrics").body.contains(in_flight)));
    drop(vanishing);
    server.wait_for("client went away");
    server.terminate();
    server.wait_for("shutting down");
    drop(held);

    assert_eq!(server.wait().code(), Some(0));
    let freed_count = stores.sql(
        "SELECT count(*) FROM upload_sessions
         WHERE status = 'cancelled' AND storage_freed_at IS NOT NULL",
    );
    assert_eq!(freed_count, "1", "{:#?}", server.log());
}

#[test]
fn idle_connections_hold_nothing_up() {
    let (_folder, mut server) = start(&[("SHUTDOWN_GRACE_SECONDS", "3600")]);
    let silent = TcpStream::connect(server.address()).unwrap();
    let mut idle = Connection::open(&server);
    assert_eq!(idle.get("/healthz").status, 200);
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    assert!(idle.response().is_none());
    drop(silent);
}

#[test]
fn a_second_signal_is_now() {
    let (_folder, mut server) = start(&[("SHUTDOWN_GRACE_SECONDS", "3600")]);
    let mut running = Connection::open(&server);
    running.start_request();
    server.terminate();
    server.wait_for("shutting down");
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    assert!(running.response().is_none());
    assert!(has_cut_by(&server, "SIGTERM"));
}

#[test]
fn a_second_signal_is_now_also_when_no_request_is_left() {
    let (folder, mut server) = start(&[("ANALYTICS_FLUSH_MS", "5000")]);
    let mut connection = Connection::open(&server);
    let rest = connection.start_request();
    connection.send(rest);
    assert_eq!(connection.response().unwrap().status, 201);
    // The event of that can't be written.
    let _held = stores(folder.path()).hold_writes();
    server.terminate();
    server.wait_for("shutting down");
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    server.logged("stopped at once");
}

#[test]
fn the_grace_ends() {
    let (_folder, mut server) = start(&[("SHUTDOWN_GRACE_SECONDS", "0")]);
    let mut running = Connection::open(&server);
    running.start_request();
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    assert!(running.response().is_none());
    assert!(has_cut_by(&server, "SHUTDOWN_GRACE_SECONDS"));
}

fn has_cut_by(server: &Server, cause: &str) -> bool {
    server.log().iter().any(|line| line["cut_by"] == cause)
}

#[test]
fn what_was_there_is_there_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(BINARY, folder.path(), &[]);
    let mut connection = Connection::open(&server);
    let rest = connection.start_request();
    connection.send(rest);
    assert_eq!(connection.response().unwrap().status, 201);
    server.kill_hard();
    let server = Server::start(BINARY, folder.path(), &[]);
    let list = Connection::open(&server).get("/api/mocs/uploads/sessions");
    assert_eq!(list.status, 200);
    let list: serde_json::Value = serde_json::from_str(&list.body).unwrap();
    assert_eq!(list["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn the_reaper_runs() {
    let (folder, server) = start(&[("REAPER_INTERVAL_SECONDS", "1")]);
    let mut connection = Connection::open(&server);
    let rest = connection.start_request();
    connection.send(rest);
    assert_eq!(connection.response().unwrap().status, 201);
    stores(folder.path()).sql("UPDATE upload_sessions SET expires_at = created_at");
    server.wait_for("session expired");
    server.wait_for("session storage freed");
    assert_eq!(server.stop().code(), Some(0));
}
