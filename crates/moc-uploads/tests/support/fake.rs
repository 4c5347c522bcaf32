//! A server that says whatever a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

/// What is said to one request.
pub(crate) enum Answer {
    /// A status and a body.
    Json(u16, Value),
    /// A body that goes on until the client hangs up.
    Endless,
}

/// Listens until the test ends.
pub(crate) struct Fake(SocketAddr);

impl Fake {
    /// `answer` is asked for paths that end in `path_end`, with how many there were before; to others
    /// the answer is one that a server of ours would give.
    pub(crate) fn start(
        path_end: &'static str,
        answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, count) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (answer, count) = (Arc::clone(&answer), Arc::clone(&count));
                thread::spawn(move || {
                    let path = read_request(&client);
                    let answer = if path.ends_with(path_end) {
                        answer(count.fetch_add(1, Ordering::Relaxed))
                    } else {
                        usual(&path)
                    };
                    // The client may have gone.
                    let _ = write_answer(client, &answer);
                });
            }
        });
        Self(address)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0)
    }
}

/// Reads a request to its end; gives its path.
fn read_request(client: &TcpStream) -> String {
    let mut reader = BufReader::new(client);
    let (mut path, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap().to_owned();
        } else if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap();
    path
}

fn usual(path: &str) -> Answer {
    const ID: &str = "0198c0de-0000-7000-8000-000000000001";
    let body = if path.ends_with("/finalize") {
        json!({"id": ID, "title": "Castle", "slug": "castle", "status": "private"})
    } else if path.ends_with("/complete") {
        json!({"fileId": ID, "fileUrl": "http://127.0.0.1/content"})
    } else if path.contains("/parts/") {
        json!({"partNumber": 1, "etag": "\"1\""})
    } else if path.ends_with("/files") {
        json!({"fileId": ID, "uploadId": ID})
    } else {
        json!({"sessionId": ID, "partSizeBytes": 5 * 1024 * 1024, "expiresAt": "2026-01-25T12:00:00.000Z"})
    };
    Answer::Json(200, body)
}

fn write_answer(mut client: TcpStream, answer: &Answer) -> std::io::Result<()> {
    match answer {
        Answer::Json(status, body) => {
            let body = body.to_string();
            write!(
                client,
                "HTTP/1.1 {status} Test\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        Answer::Endless => {
            write!(client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            loop {
                client.write_all(&[b' '; 64 * 1024])?;
            }
        }
    }
}
