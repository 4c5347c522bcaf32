//! What only bytes on a socket can show (CONTRACT section 1.4).

use moc_uploads_testkit::app::{Caller, LocalFile, RemoteFile, TestApp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn three_parts(app: &TestApp) -> (Caller, LocalFile, RemoteFile) {
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 2500);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    (alice, file, remote)
}

/// A connection on which the head of a PUT of part 1 was sent, with these further headers.
async fn put_head(app: &TestApp, remote: &RemoteFile, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.serve().await).await.unwrap();
    let token = app.user("alice").token().unwrap();
    let head = format!(
        "PUT {}/parts/1 HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n{headers}\r\n",
        remote.path
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// The status line and everything that comes with it.
async fn answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !answer.windows(4).any(|window| window == b"\r\n\r\n") {
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(
            count > 0,
            "closed after {}",
            String::from_utf8_lossy(&answer)
        );
        answer.extend_from_slice(&buffer[..count]);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_wrong_size_is_refused_before_the_body_is_sent() {
    let app = TestApp::new().await;
    let (_, _, remote) = three_parts(&app).await;
    let mut stream = put_head(&app, &remote, "Content-Length: 999999999\r\n").await;
    assert!(answer(&mut stream).await.starts_with("HTTP/1.1 400 "));
}

#[tokio::test]
async fn whoever_expects_to_be_asked_is_not_asked_for_a_body_that_is_refused() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let headers = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    let mut refused = put_head(&app, &remote, headers).await;
    assert!(answer(&mut refused).await.starts_with("HTTP/1.1 400 "));

    let headers = "Content-Length: 1024\r\nExpect: 100-continue\r\n";
    let mut asked = put_head(&app, &remote, headers).await;
    assert!(answer(&mut asked).await.starts_with("HTTP/1.1 100 "));
    asked.write_all(&file.part(1, 1024)).await.unwrap();
    assert!(answer(&mut asked).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(alice.session(session(&remote)).await["bytesReceived"], 1024);
}

fn session(remote: &RemoteFile) -> &str {
    remote.path.split('/').nth(5).unwrap()
}

#[tokio::test]
async fn a_length_is_needed_unless_the_body_is_chunked() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let mut without = put_head(&app, &remote, "").await;
    assert!(answer(&mut without).await.starts_with("HTTP/1.1 411 "));

    let mut chunked = put_head(&app, &remote, "Transfer-Encoding: chunked\r\n").await;
    for chunk in file.part(1, 1024).chunks(500) {
        chunked
            .write_all(format!("{:x}\r\n", chunk.len()).as_bytes())
            .await
            .unwrap();
        chunked.write_all(chunk).await.unwrap();
        chunked.write_all(b"\r\n").await.unwrap();
    }
    chunked.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(answer(&mut chunked).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(alice.session(session(&remote)).await["bytesReceived"], 1024);
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_earlier_part() {
    let app = TestApp::new().await;
    let (alice, file, remote) = three_parts(&app).await;
    let parts = alice.put_parts(&remote, &file).await;
    for headers in ["Content-Length: 1024\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut stream = put_head(&app, &remote, headers).await;
        let start = if headers.starts_with('C') {
            ""
        } else {
            "200\r\n"
        };
        stream.write_all(start.as_bytes()).await.unwrap();
        stream.write_all(&[b'x'; 512]).await.unwrap();
        stream.shutdown().await.unwrap();
        // The server has seen the end when it closes, with or without an answer.
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
    alice.complete_call(&remote, &parts).await.expect(200);
    assert_eq!(alice.content(&remote).await.expect(200).body, file.bytes);
}

/// RFC 9112, section 3.2.
#[tokio::test]
async fn a_request_says_once_which_host_it_is_for() {
    let app = TestApp::new().await;
    let address = app.serve().await;
    for (version, hosts, status) in [
        ("1.1", "Host: test\r\n", "200"),
        ("1.1", "Host: [::1]:80\r\n", "200"),
        ("1.1", "Host:\r\n", "200"),
        ("1.0", "", "200"),
        ("1.1", "", "400"),
        ("1.1", "Host: a\r\nHost: a\r\n", "400"),
        ("1.0", "Host: a\r\nHost: b\r\n", "400"),
        ("1.1", "Host: a b\r\n", "400"),
        ("1.1", "Host: a, b\r\n", "400"),
        ("1.1", "Host: a/b\r\n", "400"),
        ("1.1", "Host: user@a\r\n", "400"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /healthz HTTP/{version}\r\n{hosts}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{hosts:?}");
        assert!(answer.contains("x-correlation-id: "), "{answer}");
    }
}

#[tokio::test]
async fn head_has_the_length_and_no_body_and_the_connection_stays() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let (_, remotes) = alice.upload_all(&[LocalFile::pdf("a", 2500)]).await;
    let mut stream = TcpStream::connect(app.serve().await).await.unwrap();
    let token = alice.token().unwrap();
    for _ in 0..2 {
        let head = format!(
            "HEAD {}/content HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\r\n",
            remotes[0].path
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = answer(&mut stream).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200 "), "{answer}");
        assert!(answer.contains("\r\ncontent-length: 2500\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
}
