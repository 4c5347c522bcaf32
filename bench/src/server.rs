//! What is measured: a server as a child process on a free port of loopback.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::http_client::Connection;
use crate::{Result, proc};

/// HS256, as in production; nobody else ever sees this server.
const SECRET: &str = "a secret of at least thirty-two bytes, for the bench alone";

const START_DEADLINE: Duration = Duration::from_secs(20);
const STOP_DEADLINE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

pub(crate) struct Server {
    child: Child,
    pid: u32,
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// The real binary as in production: tokens checked, everything synced, its log in JSON to a
    /// file. `settings` are further environment variables.
    pub(crate) fn real(dir: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        Self::start(real_command(dir, settings)?, dir, false)
    }

    /// As [`Self::real`], with its syncs counted into `counts`. Slower.
    pub(crate) fn real_counted(dir: &Path, counts: &Path) -> Result<Self> {
        let real = real_command(dir, &[])?;
        let mut command = Command::new("strace");
        command
            .args(["-f", "-c", "--seccomp-bpf", "-U", "name,calls"])
            .args(["-e", "trace=fsync,fdatasync,sync_file_range,syncfs"])
            .arg("-o")
            .arg(counts)
            .arg(real.get_program())
            .args(real.get_args());
        command.env_clear();
        for (name, value) in real.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        Self::start(command, dir, true)
    }

    /// The peer.
    pub(crate) fn bare(dir: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare").arg("--dir").arg(dir);
        Self::start(command, dir, false)
    }

    fn start(mut command: Command, dir: &Path, is_wrapped: bool) -> Result<Self> {
        let log = dir.with_extension("log");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .spawn()
            .map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let pid = if is_wrapped {
                proc::first_child(child.id())
            } else {
                Some(child.id())
            };
            if let Some(pid) = pid
                && let Some(addr) = proc::listening_address(pid)
            {
                let server = Self { child, pid, addr };
                server.await_answer()?;
                return Ok(server);
            }
            let has_ended = child.try_wait()?.is_some();
            if has_ended || Instant::now() > deadline {
                let _ = child.kill();
                let _ = child.wait();
                let log = fs::read_to_string(&log)?;
                return Err(format!("the server did not start:\n{log}").into());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    /// A server may listen before it has opened its stores; whatever it answers, it has by then.
    fn await_answer(&self) -> Result<()> {
        Connection::open(self.addr)?.request("GET", "/readyz", "", &[])?;
        Ok(())
    }

    pub(crate) fn cpu_seconds(&self) -> Result<f64> {
        proc::cpu_seconds(self.pid)
    }

    pub(crate) fn peak_rss_kib(&self) -> Result<u64> {
        proc::peak_rss_kib(self.pid)
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = Pid::from_raw(i32::try_from(self.pid)?).ok_or("a process without an id")?;
        kill_process(pid, Signal::TERM)?;
        let deadline = Instant::now() + STOP_DEADLINE;
        while Instant::now() < deadline {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        kill_process(pid, Signal::KILL)?;
        self.child.wait()?;
        Err("the server did not stop when it was asked to".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// A token for a user of the real binary, as its operator mints it.
pub(crate) fn mint_token(user: &str) -> Result<String> {
    mint(&["--sub", user])
}

/// A token for an admin.
pub(crate) fn mint_admin_token(user: &str) -> Result<String> {
    mint(&["--sub", user, "--role", "admin"])
}

fn mint(args: &[&str]) -> Result<String> {
    let output = Command::new(real_binary()?)
        .arg("token")
        .args(args)
        .env_clear()
        .env("AUTH_JWT_SECRET", SECRET)
        .output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("no token: {message}").into());
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn real_command(dir: &Path, settings: &[(&str, &str)]) -> Result<Command> {
    let mut command = Command::new(real_binary()?);
    command
        .arg("serve")
        .env_clear()
        .env("PORT", "0")
        .env("DATA_DIR", dir)
        .env("AUTH_JWT_SECRET", SECRET)
        .env("RATE_LIMIT_BYPASS", "true")
        .env("LOG_FORMAT", "json")
        .envs(settings.iter().copied());
    Ok(command)
}

/// Beside this binary: both are built into the same folder.
fn real_binary() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("moc-uploads");
    if path.exists() {
        Ok(path)
    } else {
        Err(format!(
            "{} is not there; the scripts in bench/ build it first",
            path.display()
        )
        .into())
    }
}
