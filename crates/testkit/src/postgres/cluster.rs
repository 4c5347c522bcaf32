//! A cluster: a server and its data.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};

use super::tls::Tls;
use crate::external::parent_folder;

/// Longer than any start takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

pub(super) const TICK: Duration = Duration::from_millis(20);

const SETTINGS: &[&str] = &[
    "max_connections=400",
    "shared_preload_libraries=pg_stat_statements",
    "listen_addresses=",
];

/// Tests need nothing that outlives a power cut.
const FORGETFUL: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
];

/// A server on a socket in a folder of its own. It is stopped and removed soon after all who
/// use it are gone.
pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    is_durable: bool,
    pub(super) tls: Option<Tls>,
    /// Shared: the guard waits for it.
    _lock: File,
}

impl Cluster {
    /// The one of this build.
    ///
    /// # Panics
    /// When PostgreSQL is not installed.
    pub fn shared() -> Arc<Self> {
        static CLUSTER: Mutex<Option<Arc<Cluster>>> = Mutex::new(None);
        let mut cluster = CLUSTER
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        cluster
            .get_or_insert_with(|| {
                let exe = std::env::current_exe().unwrap();
                let lock = exe.parent().unwrap().join("test-postgres.lock");
                let mut hasher = DefaultHasher::new();
                lock.hash(&mut hasher);
                let name = format!("moc-uploads-postgres-{:016x}", hasher.finish());
                let folder = folder_for_clusters().join(name);
                Arc::new(Self::join(&lock, folder, false, None))
            })
            .clone()
    }

    /// A new one, for a test that stops it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed.
    pub fn private() -> Self {
        Self::new(&folder_for_clusters(), false, None)
    }

    /// A new one that is reached by TLS, too.
    ///
    /// # Panics
    /// When PostgreSQL or `openssl` is not installed.
    pub fn with_tls() -> Self {
        Self::new(&folder_for_clusters(), false, Some(Tls::new()))
    }

    /// A new one below `folder` that forgets nothing, as in production: for what is measured.
    ///
    /// # Panics
    /// When PostgreSQL is not installed.
    pub fn durable(folder: &Path) -> Self {
        Self::new(folder, true, None)
    }

    fn new(parent: &Path, is_durable: bool, tls: Option<Tls>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("moc-uploads-postgres-")
            .tempdir_in(parent)
            .unwrap()
            .keep();
        fs::remove_dir(&folder).unwrap();
        let lock = folder.with_extension("lock");
        let cluster = Self::join(&lock, folder, is_durable, tls);
        // The guard has it open.
        fs::remove_file(lock).unwrap();
        cluster
    }

    /// Joins those who use the cluster in `folder`, or is the first.
    fn join(lock: &Path, folder: PathBuf, is_durable: bool, tls: Option<Tls>) -> Self {
        let programs = programs();
        let lock_file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(lock)
            .unwrap();
        let cluster = Self {
            folder,
            programs,
            is_durable,
            tls,
            _lock: lock_file.try_clone().unwrap(),
        };
        loop {
            lock_file.lock_shared().unwrap();
            if cluster.is_ready() {
                return cluster;
            }
            lock_file.unlock().unwrap();
            lock_file.lock().unwrap();
            if !cluster.is_ready() {
                cluster.create(lock);
            }
            lock_file.unlock().unwrap();
        }
    }

    fn is_ready(&self) -> bool {
        self.folder.join("ready").exists() && UnixStream::connect(self.socket()).is_ok()
    }

    fn create(&self, lock: &Path) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir(&self.folder).unwrap();
        let owner = owner();
        if let Some((_, uid)) = owner {
            std::os::unix::fs::chown(&self.folder, Some(uid), None).unwrap();
        }
        if let Some(tls) = &self.tls {
            tls.certify(&self.folder, owner.map(|(_, uid)| uid));
        }
        let mut initdb = as_owner(&self.programs.join("initdb"));
        // Sorted as people do, which shows what relies on the order of bytes.
        initdb
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(["--encoding=UTF8", "--no-locale", "--locale-provider=icu"])
            .arg("--icu-locale=en")
            .arg("--pgdata")
            .arg(self.folder.join("data"))
            .current_dir("/");
        output(initdb);

        let mut guard = Command::new("sh");
        guard
            .arg("-c")
            .arg(include_str!("guard.sh"))
            .arg("guard")
            .arg(lock)
            .arg(&self.folder);
        let server = self.server();
        guard.arg(server.get_program()).args(server.get_args());
        detached(&mut guard);
        self.wait_until_ready();
        fs::write(self.folder.join("ready"), "").unwrap();
    }

    fn server(&self) -> Command {
        let mut server = as_owner(&self.programs.join("postgres"));
        server
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg("-k")
            .arg(&self.folder);
        let forgetful = if self.is_durable { &[] } else { FORGETFUL };
        for setting in SETTINGS.iter().chain(forgetful) {
            server.args(["-c", setting]);
        }
        for setting in self.tls.iter().flat_map(|tls| tls.settings(&self.folder)) {
            server.args(["-c", &setting]);
        }
        server
    }

    /// Stops the server; whoever is connected is cut off.
    pub fn stop(&self) {
        let pid = self.server_pid().unwrap();
        kill_process(pid, Signal::INT).unwrap();
        while test_kill_process(pid).is_ok() {
            sleep(TICK);
        }
    }

    /// Starts the server again.
    pub fn start(&self) {
        let mut server = self.server();
        detached(server.current_dir("/"));
        self.wait_until_ready();
    }

    fn server_pid(&self) -> Option<Pid> {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).ok()?;
        Pid::from_raw(file.lines().next()?.parse().ok()?)
    }

    fn wait_until_ready(&self) {
        let started_at = Instant::now();
        loop {
            let mut psql = self.psql_command("postgres");
            if psql.args(["-c", ""]).output().unwrap().status.success() {
                return;
            }
            if started_at.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.join("log"));
                panic!("PostgreSQL does not start: {log:?}");
            }
            sleep(TICK);
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port()))
    }

    /// Of the socket, which has it in its name, and of TCP where there is any.
    fn port(&self) -> u16 {
        self.tls.as_ref().map_or(5432, Tls::port)
    }

    /// `postgres://...` of a database.
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.display();
        let port = self.port();
        format!("postgres://postgres@localhost:{port}/{database}?host={folder}")
    }

    /// What `psql` prints, columns separated by `|`.
    ///
    /// # Panics
    /// When one of the statements fails.
    pub fn psql(&self, database: &str, sql: &str) -> String {
        let mut psql = self.psql_command(database);
        psql.args(["-c", sql]);
        output(psql)
    }

    /// PostgreSQL's own measure, with everything that it needs to connect.
    pub fn pgbench_command(&self, database: &str) -> Command {
        let mut pgbench = Command::new(self.programs.join("pgbench"));
        pgbench
            .args(["-U", "postgres", "-p"])
            .arg(self.port().to_string())
            .arg("-h")
            .arg(&self.folder)
            .env("PGDATABASE", database);
        pgbench
    }

    /// `psql` with everything that it needs to connect.
    pub fn psql_command(&self, database: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-U", "postgres", "-d", database, "-p"])
            .arg(self.port().to_string())
            .arg("-h")
            .arg(&self.folder)
            .current_dir("/");
        psql
    }
}

/// Whoever measures removes the folder at once, and with it what tells the guard whom to stop.
impl Drop for Cluster {
    fn drop(&mut self) {
        let server = self.server_pid().filter(|_| self.is_durable);
        let Some(server) = server else { return };
        let asked_at = Instant::now();
        let _ = kill_process(server, Signal::QUIT);
        while test_kill_process(server).is_ok() && asked_at.elapsed() < PATIENCE {
            sleep(TICK);
        }
    }
}

/// A new database is a copy of thousand files.
fn folder_for_clusters() -> PathBuf {
    parent_folder(|_| true)
}

/// A program run as who may run servers: PostgreSQL refuses to run as root.
pub(super) fn as_owner(program: &Path) -> Command {
    match owner() {
        None => Command::new(program),
        Some((name, _)) => {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid", name, "--regid", name, "--clear-groups", "--"])
                .arg(program);
            command
        }
    }
}

/// Who runs the server where we are root.
pub(super) fn owner() -> Option<(&'static str, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let name = "postgres";
    let mut id = Command::new("id");
    id.args(["-u", name]);
    Some((name, output(id).parse().unwrap()))
}

/// Where Debian keeps the newest version, else where the search path finds it.
fn programs() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<(u32, PathBuf)> = debian
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    versions
        .into_iter()
        .rev()
        .map(|(_, folder)| folder)
        .chain(std::env::split_paths(&path))
        .find(|folder| {
            let programs = ["initdb", "postgres", "psql"];
            programs.iter().all(|program| folder.join(program).exists())
        })
        .expect(
            "this test needs PostgreSQL's initdb, postgres and psql; ./test installs them, and \
             MOC_TEST_SKIP_EXTERNAL=1 leaves such tests out",
        )
}

/// In the background, out of reach of the signals and the output of whoever runs the tests.
fn detached(command: &mut Command) {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    // Not a zombie, should it end before we do.
    std::thread::spawn(move || child.wait());
}

pub(super) fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {error}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
