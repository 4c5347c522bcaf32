//! A TCP proxy that misbehaves: it holds bytes back and cuts connections.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than anything here takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// What one connection carries before it is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Bytes to the server.
    pub(crate) up: u64,
    /// Bytes back.
    pub(crate) down: u64,
}

impl Budget {
    /// Never cut.
    pub(crate) const ENDLESS: Self = Self {
        up: u64::MAX,
        down: u64::MAX,
    };
}

/// Listens until the test ends.
pub(crate) struct Proxy {
    address: SocketAddr,
    gate: Arc<Gate>,
}

/// How many bytes may go to the server over all connections.
struct Gate {
    left: Mutex<u64>,
    changed: Condvar,
}

impl Proxy {
    /// In front of `server`; the nth connection gets the nth of `budgets`, over and over.
    pub(crate) fn start(server: SocketAddr, budgets: &'static [Budget]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gate = Arc::new(Gate {
            left: Mutex::new(u64::MAX),
            changed: Condvar::new(),
        });
        let gate_of_all = Arc::clone(&gate);
        thread::spawn(move || {
            for (client, budget) in listener.incoming().zip(budgets.iter().cycle()) {
                // A server that is down looks like one: the connection ends at once.
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) else {
                    continue;
                };
                connect(client, server, *budget, &gate_of_all);
            }
        });
        Self { address, gate }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets that many bytes more through to the server, then holds everything.
    pub(crate) fn hold_after(&self, bytes: u64) {
        *self.gate.left.lock().unwrap() = bytes;
        self.gate.changed.notify_all();
    }

    /// Back when the last of them has gone.
    pub(crate) fn wait_until_held(&self) {
        let left = self.gate.left.lock().unwrap();
        let (left, _) = self
            .gate
            .changed
            .wait_timeout_while(left, PATIENCE, |left| *left > 0)
            .unwrap();
        assert_eq!(*left, 0, "so much was never sent");
    }

    /// Lets everything through again.
    pub(crate) fn release(&self) {
        self.hold_after(u64::MAX);
    }
}

impl Gate {
    /// Up to `wanted` bytes, at least one, as soon as there are any.
    fn take(&self, wanted: u64) -> u64 {
        let left = self.left.lock().unwrap();
        let mut left = self.changed.wait_while(left, |left| *left == 0).unwrap();
        let taken = wanted.min(*left);
        if *left != u64::MAX {
            *left -= taken;
            self.changed.notify_all();
        }
        taken
    }
}

fn connect(client: TcpStream, server: TcpStream, budget: Budget, gate: &Arc<Gate>) {
    let (client_back, server_back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let gate = Arc::clone(gate);
    thread::spawn(move || pump(client, server, budget.up, Some(&gate)));
    thread::spawn(move || pump(server_back, client_back, budget.down, None));
}

/// Copies until one side ends or the budget does, then cuts both ways.
fn pump(mut from: TcpStream, mut to: TcpStream, mut budget: u64, gate: Option<&Gate>) {
    let mut buffer = [0; 16 * 1024];
    'connection: while budget > 0 {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        let mut rest = &buffer[..count.min(usize::try_from(budget).unwrap_or(count))];
        budget -= rest.len() as u64;
        while !rest.is_empty() {
            let len = gate.map_or(rest.len() as u64, |gate| gate.take(rest.len() as u64)) as usize;
            if to.write_all(&rest[..len]).is_err() {
                break 'connection;
            }
            rest = &rest[len..];
        }
    }
    // Already closed is as good.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
