//! The real binary as a child process: started on a port of its own, stopped by signals.

mod stores;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub use stores::{HeldWrites, Store, Stores, choose, share_stores, stores};

/// Longer than any start and any stop takes; a test that waits for so long has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server; killed when it is dropped.
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<Value>>>,
    lines: Receiver<Value>,
}

impl Server {
    /// Starts `binary` (`env!("CARGO_BIN_EXE_moc-uploads")` in tests of that crate) on loopback and
    /// a free port, with its data in `data_dir`, and waits until it listens. `variables` is its
    /// whole environment beside those; what it names again counts.
    ///
    /// # Panics
    /// When it ends instead, with its log.
    pub fn start(binary: impl AsRef<OsStr>, data_dir: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command(binary, data_dir);
        command.arg("serve").envs(variables.iter().copied());
        Self::from_command(command)
    }

    /// As [`Server::start`], with a command of the test's own; see [`command`].
    ///
    /// # Panics
    /// When it ends instead, with its log.
    pub fn from_command(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = collect_log(child.stderr.take().unwrap(), log.clone());
        let address = loop {
            let Ok(line) = lines.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                panic!("the server does not listen: {:#?}", log.lock().unwrap());
            };
            if line["message"] == "listening" {
                break line["addr"].as_str().unwrap().parse().unwrap();
            }
        };
        Self {
            child,
            address,
            log,
            lines,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far; a line that is no JSON is a string.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a log line with this message that has not been waited for yet.
    ///
    /// # Panics
    /// When the server ends without it.
    pub fn wait_for(&self, message: &str) -> Value {
        loop {
            let line = self
                .lines
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|_| panic!("the server never says {message:?}: {:#?}", self.log()));
            if line["message"] == message {
                return line;
            }
        }
    }

    /// A log line with this message, of whatever time; waits for it when there is none yet.
    ///
    /// # Panics
    /// When the server ends without it.
    pub fn logged(&self, message: &str) -> Value {
        let earlier = self.log();
        let found = earlier.into_iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| self.wait_for(message))
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for its end; all of its log is there then.
    pub fn wait(&mut self) -> ExitStatus {
        while self.lines.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().unwrap()
    }

    /// Stops it in good order.
    pub fn stop(mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Kills it as a power cut would: SIGKILL, nothing is flushed.
    pub fn kill_hard(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that runs `binary` with its data in `data_dir` and an environment that holds nothing
/// of the machine's: loopback, a free port, logs as JSON, the [`stores`] that the run asks for.
pub fn command(binary: impl AsRef<OsStr>, data_dir: &Path) -> Command {
    let mut command = Command::new(binary);
    command
        .env_clear()
        .env("DATA_DIR", data_dir)
        .env("HOST", "127.0.0.1")
        .env("PORT", "0")
        .env("LOG_FORMAT", "json")
        .envs(stores(data_dir).variables());
    command
}

/// Reads the log until its end, into `log` and the channel.
fn collect_log(stderr: ChildStderr, log: Arc<Mutex<Vec<Value>>>) -> Receiver<Value> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            log.lock().unwrap().push(line.clone());
            // Nobody waits for lines of a server that was dropped.
            let _ = sender.send(line);
        }
    });
    receiver
}
