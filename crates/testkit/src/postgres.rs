//! PostgreSQL for tests: a throw-away cluster from the installed programs, and new databases in it.
//!
//! All test processes of a build share one cluster. The first one starts it; a guard process
//! removes it as soon as none is left, however they ended.

mod cluster;
mod pooler;
mod tls;
mod transaction;

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};
use std::process::Command;
use std::sync::Arc;

pub use crate::external::is_skipped;
pub use cluster::Cluster;
pub use pooler::Pooler;
pub use transaction::Transaction;

/// A database of one test's own; dropped with everything in it.
pub struct Database {
    cluster: Arc<Cluster>,
    name: String,
}

impl Database {
    /// With nothing in it.
    pub fn empty() -> Self {
        let cluster = Cluster::shared();
        let name = new_name();
        cluster.psql("postgres", &format!("CREATE DATABASE {name}"));
        Self { cluster, name }
    }

    /// As `migrate` leaves a new one, given its URL. It is asked once per build and must let go of
    /// the database.
    pub async fn migrated(migrate: impl AsyncFnOnce(String)) -> Self {
        let cluster = Cluster::shared();
        let template = template_name();
        if let Some(database) = Self::copy_of(&cluster, &template) {
            return database;
        }
        let lock = File::create(cluster.folder().join("template.lock")).unwrap();
        lock.lock().unwrap();
        let exists = format!("SELECT 1 FROM pg_database WHERE datname = '{template}'");
        if cluster.psql("postgres", &exists).is_empty() {
            let unfinished = new_name();
            cluster.psql("postgres", &format!("CREATE DATABASE {unfinished}"));
            migrate(cluster.url(&unfinished)).await;
            let rename = format!("ALTER DATABASE {unfinished} RENAME TO {template}");
            cluster.psql("postgres", &rename);
        }
        Self::copy_of(&cluster, &template).expect("a template that is there can be copied")
    }

    /// `None` when there is no such template.
    fn copy_of(cluster: &Arc<Cluster>, template: &str) -> Option<Self> {
        let name = new_name();
        let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
        let mut psql = cluster.psql_command("postgres");
        let output = psql.args(["-c", &create]).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        if error.contains("does not exist") {
            return None;
        }
        assert!(output.status.success(), "{create}: {error}");
        let cluster = cluster.clone();
        Some(Self { cluster, name })
    }

    /// `postgres://...`
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// What `psql` prints, columns separated by `|`.
    ///
    /// # Panics
    /// When one of the statements fails.
    pub fn psql(&self, sql: &str) -> String {
        self.cluster.psql(&self.name, sql)
    }

    /// Begins a transaction with this statement and leaves it open: somebody who is in the way.
    pub fn hold(&self, statement: &str) -> Transaction {
        Transaction::begin(self.psql_command(), statement)
    }

    /// `psql` with everything that it needs to connect.
    pub fn psql_command(&self) -> Command {
        self.cluster.psql_command(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        // Not worth a failure: the cluster goes, too.
        let _ = self
            .cluster
            .psql_command("postgres")
            .args(["-c", &drop])
            .output();
    }
}

fn new_name() -> String {
    format!("test_{}", crate::builders::session_id().0.simple())
}

/// Another build may migrate otherwise.
fn template_name() -> String {
    let exe = std::env::current_exe().unwrap();
    let mut hasher = DefaultHasher::new();
    exe.hash(&mut hasher);
    exe.metadata()
        .unwrap()
        .modified()
        .unwrap()
        .hash(&mut hasher);
    format!("template_{:016x}", hasher.finish())
}
