//! PgBouncer in transaction mode: every transaction may be on another connection.

use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;

use super::cluster::{self, Cluster, TICK};

/// In front of the cluster that the tests share; ends with the test.
pub struct Pooler {
    _cluster: Arc<Cluster>,
    folder: PathBuf,
    /// Ends when its input does.
    process: Child,
}

impl Pooler {
    /// With so many connections to each database, whoever uses it.
    ///
    /// # Panics
    /// When PgBouncer is not installed.
    pub fn start(connections: u32) -> Self {
        let cluster = Cluster::shared();
        let folder = tempfile::Builder::new()
            .prefix("moc-uploads-pgbouncer-")
            .tempdir()
            .unwrap()
            .keep();
        let settings = format!(
            "[databases]\n* = host={} port=5432 user=postgres\n[pgbouncer]\nlisten_port = 6432\n\
             unix_socket_dir = {}\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = {connections}\n",
            cluster.folder().display(),
            folder.display(),
        );
        let file = folder.join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        if let Some((_, uid)) = cluster::owner() {
            chown(&folder, Some(uid), None).unwrap();
        }
        let pgbouncer = cluster::as_owner("/usr/sbin/pgbouncer".as_ref());
        let process = Command::new("sh")
            .args(["-c", "\"$@\" & read -r _; kill -TERM $!; wait", "sh"])
            .arg(pgbouncer.get_program())
            .args(pgbouncer.get_args())
            .arg("-q")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pooler = Self {
            _cluster: cluster,
            folder,
            process,
        };
        pooler.wait_until_ready();
        pooler
    }

    fn wait_until_ready(&mut self) {
        let socket = self.folder.join(".s.PGSQL.6432");
        let patience = cluster::PATIENCE.as_millis() / TICK.as_millis();
        for _ in 0..patience {
            if socket.exists() {
                return;
            }
            sleep(TICK);
        }
        panic!("this test needs PgBouncer, which does not start; ./test installs it");
    }

    /// `postgres://...` of a database behind it.
    pub fn url(&self, database: &super::Database) -> String {
        let folder = self.folder.display();
        format!(
            "postgres://postgres@localhost:6432/{}?host={folder}",
            database.name
        )
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if let Some(mut input) = self.process.stdin.take() {
            let _ = input.write_all(b"\n");
        }
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
