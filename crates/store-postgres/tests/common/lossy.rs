//! A network that fails at the worst moment.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

/// The same database by a way on which no `COMMIT` arrives, nor anything after it, nor that the
/// connection has ended. Until the test does.
pub(crate) fn start(url: &str) -> String {
    let (url, folder) = url.split_once("?host=").unwrap();
    let socket = format!("{folder}/.s.PGSQL.5432");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = UnixStream::connect(&socket).unwrap();
            carry(client, server);
        }
    });
    url.replace("localhost:5432", &format!("127.0.0.1:{port}"))
}

fn carry(mut client: TcpStream, mut server: UnixStream) {
    let (mut client_back, mut server_back) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        let _ = std::io::copy(&mut server_back, &mut client_back);
    });
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count) = client.read(&mut buffer) {
            let said = &buffer[..count];
            if count == 0 || said.windows(6).any(|word| word == b"COMMIT") {
                // The server hears nothing any more, not even the end.
                thread::park();
            }
            server.write_all(said).unwrap();
        }
    });
}
