//! What has nothing to do with stores, or with no others than those that are there without
//! configuration.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::process::Command;

use moc_uploads_testkit::server::{Server, command};

use super::{BINARY, Connection, start};

#[test]
fn it_serves_without_configuration_and_ends_well_on_sigterm() {
    let (folder, mut server) = start(&[]);
    let mut connection = Connection::open(&server);
    assert_eq!(connection.get("/healthz").status, 200);
    assert_eq!(connection.get("/readyz").status, 200);
    assert!(connection.get("/metrics").body.contains("# TYPE"));
    assert!(folder.path().join("moc-uploads.db").exists());
    server.terminate();
    assert_eq!(server.wait().code(), Some(0));
    let log = server.log();
    assert_eq!(log.last().unwrap()["message"], "stopped", "{log:#?}");
    let listening = log.iter().find(|line| line["message"] == "listening");
    assert_eq!(listening.unwrap()["url"], server.url());
    assert!(
        log.iter().any(|line| line["level"] == "WARN"
            && line["message"]
                .as_str()
                .unwrap()
                .contains("without a token")),
        "{log:#?}"
    );
}

#[test]
fn each_log_line_is_one_flat_object_with_the_requests_fields() {
    let (_folder, mut server) = start(&[]);
    let mut connection = Connection::open(&server);
    connection
        .send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Correlation-Id: abc-123\r\n\r\n");
    assert_eq!(connection.response().unwrap().status, 200);
    server.terminate();
    server.wait();
    let log = server.log();
    let of_request: Vec<_> = log
        .iter()
        .filter(|line| line["correlation_id"] == "abc-123")
        .collect();
    assert_eq!(of_request.len(), 1, "{log:#?}");
    for line in &log {
        let members = line.as_object().unwrap();
        assert!(members.values().all(|value| !value.is_object()), "{line}");
        assert!(members.contains_key("timestamp") && members.contains_key("level"));
    }
}

#[test]
fn running_out_of_descriptors_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mut limited = Command::new("/bin/sh");
    let template = command(BINARY, folder.path());
    limited
        .args(["-c", "ulimit -n 64 && exec \"$0\" serve", BINARY])
        .env_clear()
        .envs(
            template
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let server = Server::from_command(limited);
    let connections: Vec<_> = (0..100)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    server.wait_for("no connection can be accepted, trying again");
    for connection in connections {
        // It may be reset already.
        let _ = connection.shutdown(Shutdown::Both);
    }
    assert_eq!(Connection::open(&server).get("/healthz").status, 200);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let (_folder, server) = start(&[]);
    let mut connection = Connection::open(&server);
    let filler = "x".repeat(128 * 1024);
    let request = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Filler: {filler}\r\n\r\n");
    // The server may stop reading before all is written.
    let _ = connection.0.get_mut().write_all(request.as_bytes());
    let status = connection.response().map(|response| response.status);
    assert!(matches!(status, Some(431) | None), "{status:?}");
    assert_eq!(Connection::open(&server).get("/healthz").status, 200);
}
