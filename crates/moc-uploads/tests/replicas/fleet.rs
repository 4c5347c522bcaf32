//! Replicas behind a proxy, and what they leave.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use moc_uploads_testkit::s3::Bucket;
use moc_uploads_testkit::server::Server;
use serde_json::Value;

/// What an orchestrator waits before it tries again.
const RESTART: Duration = Duration::from_millis(300);

/// Replicas of which each connection gets the next.
pub(crate) struct Fleet {
    binary: &'static str,
    folder: PathBuf,
    variables: Vec<(&'static str, String)>,
    replicas: Mutex<Vec<Server>>,
    addresses: Arc<Mutex<Vec<SocketAddr>>>,
    proxy: SocketAddr,
    /// Log lines of replicas that are no more.
    log: Mutex<Vec<Value>>,
}

impl Fleet {
    pub(crate) fn start(
        binary: &'static str,
        folder: &Path,
        database_url: &str,
        bucket: &Bucket,
        count: usize,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = listener.local_addr().unwrap();
        let mut variables = bucket.variables().to_vec();
        variables.extend([
            ("DATABASE_URL", database_url.to_owned()),
            ("DATABASE_CONNECT_TIMEOUT_MS", "1000".to_owned()),
            ("PUBLIC_BASE_URL", format!("http://{proxy}")),
            ("RATE_LIMIT_BYPASS", "true".to_owned()),
        ]);
        let fleet = Self {
            binary,
            folder: folder.to_owned(),
            variables,
            replicas: Mutex::default(),
            addresses: Arc::default(),
            proxy,
            log: Mutex::default(),
        };
        let replicas: Vec<_> = (0..count).map(|_| fleet.replica()).collect();
        *fleet.addresses.lock().unwrap() = replicas.iter().map(Server::address).collect();
        *fleet.replicas.lock().unwrap() = replicas;
        thread::spawn({
            let addresses = fleet.addresses.clone();
            move || balance(&listener, &addresses)
        });
        fleet
    }

    fn replica(&self) -> Server {
        let variables: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Server::start(self.binary, &self.folder.join("replica"), &variables)
    }

    /// Of the proxy.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.proxy)
    }

    /// Kills a replica, and starts another one in its place. While the database is away it does not
    /// start: the orchestrator tries again.
    pub(crate) fn replace(&self, index: usize) {
        let killed = self.replicas.lock().unwrap().remove(index);
        let log = killed.log();
        killed.kill_hard();
        self.log.lock().unwrap().extend(log);
        let replica = loop {
            let started = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.replica()));
            if let Ok(replica) = started {
                break replica;
            }
            thread::sleep(RESTART);
        };
        self.addresses.lock().unwrap()[index] = replica.address();
        self.replicas.lock().unwrap().insert(index, replica);
    }

    /// Requests that were answered with a failure of ours other than 503, as they were logged.
    pub(crate) fn unexpected_answers(&self) -> Vec<Value> {
        let mut log = self.log.lock().unwrap().clone();
        for replica in self.replicas.lock().unwrap().iter() {
            log.extend(replica.log());
        }
        log.retain(|line| {
            line["status"]
                .as_u64()
                .is_some_and(|status| status >= 500 && status != 503)
        });
        log
    }
}

/// Each connection to the next replica that takes it.
fn balance(listener: &TcpListener, addresses: &Mutex<Vec<SocketAddr>>) {
    let next = AtomicUsize::new(0);
    for client in listener.incoming().flatten() {
        let addresses = addresses.lock().unwrap().clone();
        let start = next.fetch_add(1, Ordering::Relaxed);
        let server = (0..addresses.len())
            .find_map(|n| TcpStream::connect(addresses[(start + n) % addresses.len()]).ok());
        // With none left the connection just ends.
        if let Some(server) = server {
            let (client_back, server_back) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pump(client, server));
            thread::spawn(move || pump(server_back, client_back));
        }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream) {
    // However it ends, both sides hear of it.
    let _ = std::io::copy(&mut from, &mut to);
    let _ = from.shutdown(std::net::Shutdown::Both);
    let _ = to.shutdown(std::net::Shutdown::Both);
}
