//! A Swift: its servers and their data.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{XattrFlags, setxattr};
use rustix::process::{Pid, Signal, kill_process};

use crate::external::parent_folder;

/// Longer than any start takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// As S3 has it, for all parts but the last.
const MIN_PART_BYTES: u32 = 5 * 1024 * 1024;

const TICK: Duration = Duration::from_millis(20);

/// Servers in a folder of their own. They end and the folder goes soon after all who use it are
/// gone.
pub struct Swift {
    folder: PathBuf,
    /// Shared: `run_swift.py` waits for it.
    _lock: File,
}

impl Swift {
    /// The one of this build.
    ///
    /// # Panics
    /// When Swift is not installed.
    pub fn shared() -> Arc<Self> {
        static SWIFT: Mutex<Option<Arc<Swift>>> = Mutex::new(None);
        Self::only(&SWIFT, "swift", MIN_PART_BYTES)
    }

    /// Another one, which takes parts of any size, for tests that cut small files.
    ///
    /// # Panics
    /// When Swift is not installed.
    pub fn taking_small_parts() -> Arc<Self> {
        static SWIFT: Mutex<Option<Arc<Swift>>> = Mutex::new(None);
        Self::only(&SWIFT, "swift-small", 1)
    }

    fn only(swift: &Mutex<Option<Arc<Self>>>, name: &str, min_part_bytes: u32) -> Arc<Self> {
        let mut swift = swift
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        swift
            .get_or_insert_with(|| {
                let exe = std::env::current_exe().unwrap();
                let lock = exe.parent().unwrap().join(format!("test-{name}.lock"));
                let mut hasher = DefaultHasher::new();
                lock.hash(&mut hasher);
                let folder = format!("moc-uploads-{name}-{:016x}", hasher.finish());
                let folder = parent_folder(takes_attributes).join(folder);
                Arc::new(Self::join(&lock, folder, min_part_bytes))
            })
            .clone()
    }

    /// A new one, for a test that stops it.
    ///
    /// # Panics
    /// When Swift is not installed.
    pub fn private() -> Arc<Self> {
        let folder = tempfile::Builder::new()
            .prefix("moc-uploads-swift-")
            .tempdir_in(parent_folder(takes_attributes))
            .unwrap()
            .keep();
        fs::remove_dir(&folder).unwrap();
        let lock = folder.with_extension("lock");
        let swift = Self::join(&lock, folder, MIN_PART_BYTES);
        // run_swift.py has it open.
        fs::remove_file(lock).unwrap();
        Arc::new(swift)
    }

    /// Joins those who use the Swift in `folder`, or is the first.
    fn join(lock: &Path, folder: PathBuf, min_part_bytes: u32) -> Self {
        let lock_file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(lock)
            .unwrap();
        let swift = Self {
            folder,
            _lock: lock_file.try_clone().unwrap(),
        };
        loop {
            lock_file.lock_shared().unwrap();
            if swift.is_ready() {
                return swift;
            }
            lock_file.unlock().unwrap();
            lock_file.lock().unwrap();
            if !swift.is_ready() {
                swift.create(lock, min_part_bytes);
            }
            lock_file.unlock().unwrap();
        }
    }

    fn is_ready(&self) -> bool {
        self.folder.join("ready").exists() && self.listens()
    }

    fn listens(&self) -> bool {
        TcpStream::connect(self.address()).is_ok()
    }

    fn create(&self, lock: &Path, min_part_bytes: u32) {
        let _ = fs::remove_dir_all(&self.folder);
        let output = self.folder.with_extension("log");
        let log = File::create(&output).unwrap();
        // Out of reach of the signals and the output of whoever runs the tests.
        let mut child = Command::new(python())
            .args(["-c", include_str!("run_swift.py")])
            .arg(&self.folder)
            .arg(lock)
            .arg(min_part_bytes.to_string())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap();
        let started_at = Instant::now();
        while !self.folder.join("ready").exists() {
            let has_ended = child.try_wait().unwrap().is_some();
            if has_ended || started_at.elapsed() > PATIENCE {
                let log = fs::read_to_string(&output);
                panic!("Swift does not start: {log:?}");
            }
            sleep(TICK);
        }
        let _ = fs::remove_file(output);
        // Not a zombie, should it end before we do.
        std::thread::spawn(move || child.wait());
    }

    /// Stops answering; whoever is connected is cut off.
    pub fn stop(&self) {
        self.signal(Signal::USR1);
        self.wait_until(false);
    }

    /// Answers again, under the same address.
    pub fn start(&self) {
        self.signal(Signal::USR2);
        self.wait_until(true);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.read("pid").parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    fn wait_until(&self, listens: bool) {
        let started_at = Instant::now();
        while self.listens() != listens {
            assert!(started_at.elapsed() < PATIENCE, "Swift does not obey");
            sleep(TICK);
        }
    }

    /// `http://127.0.0.1:PORT`
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    pub(super) fn address(&self) -> SocketAddr {
        let port: u16 = self.read("port").parse().unwrap();
        (Ipv4Addr::LOCALHOST, port).into()
    }

    pub(super) fn token(&self) -> String {
        self.read("token")
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }
}

/// Whether files there can have extended attributes, where Swift keeps what it knows of a file. In
/// memory they can since Linux 6.6.
fn takes_attributes(folder: &Path) -> bool {
    let probe = tempfile::NamedTempFile::new_in(folder).unwrap();
    setxattr(probe.path(), "user.swift", b"1", XattrFlags::empty()).is_ok()
}

/// A program of the environment that holds Swift and two other clients of S3: `python` with boto3,
/// and `aws`.
///
/// # Panics
/// When it is not installed.
pub fn program(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.ancestors()
        .map(|folder| folder.join("swift/bin").join(name))
        .find(|program| program.exists())
        .expect(
            "this test needs OpenStack Swift; ./test installs it, and MOC_TEST_SKIP_EXTERNAL=1 \
             leaves such tests out",
        )
}

fn python() -> PathBuf {
    program("python")
}
