//! HTTP of a test's own: answers of its own, or a real bucket whose answers it changes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// Listens until the test ends; `serve` gets the head of a request and its connection, which has one.
fn listen(serve: impl Fn(String, TcpStream) + Send + Sync + Clone + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || {
                if let Some(head) = read_head(&mut client) {
                    serve(head, client);
                }
            });
        }
    });
    format!("http://{address}")
}

/// Byte by byte: what follows is not ours to read.
fn read_head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn answer(mut client: &TcpStream, status: u16, headers: &str, body: &str) {
    let len = body.len();
    // Whoever has gone wants no answer.
    let _ = write!(
        client,
        "HTTP/1.1 {status} x\r\n{headers}Content-Length: {len}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = client.shutdown(Shutdown::Write);
    let _ = client.read_to_end(&mut Vec::new());
}

/// Answers by the first line of a request: headers, each with its end of line, and body. What is not
/// there is 404.
pub(crate) fn answering(by_line: fn(&str) -> Option<(&'static str, String)>) -> String {
    listen(move |head, client| match by_line(first_line(&head)) {
        Some((headers, body)) => answer(&client, 200, headers, &body),
        None => answer(&client, 404, "", ""),
    })
}

fn first_line(head: &str) -> &str {
    head.lines().next().unwrap_or_default()
}

/// A store in front of another one.
#[derive(Clone, Copy)]
pub(crate) struct Twist {
    /// By the first line of a request: status and body instead of the store's answer.
    pub(crate) instead: fn(&str) -> Option<(u16, &'static str)>,
    /// The headers of its answers to browsers that ask whether they may, each with its end of line.
    pub(crate) preflight: Option<&'static str>,
}

impl Twist {
    pub(crate) const NONE: Self = Self {
        instead: |_| None,
        preflight: None,
    };

    /// An endpoint where the store at `endpoint` answers in this way.
    pub(crate) fn of(self, endpoint: &str) -> String {
        let store = endpoint.trim_start_matches("http://").to_owned();
        listen(move |head, mut client| {
            let line = first_line(&head);
            if let Some((status, body)) = (self.instead)(line) {
                return answer(&client, status, "", body);
            }
            if let Some(headers) = self.preflight.filter(|_| line.starts_with("OPTIONS")) {
                return answer(&client, 200, headers, "");
            }
            let mut store = TcpStream::connect(&store).unwrap();
            let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            store.write_all(head.as_bytes()).unwrap();
            let (mut from, mut to) = (client.try_clone().unwrap(), store.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            // Whoever has gone wants no answer.
            let _ = std::io::copy(&mut store, &mut client);
            let _ = client.shutdown(Shutdown::Both);
        })
    }
}
