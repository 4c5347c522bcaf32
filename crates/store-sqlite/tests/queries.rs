//! The files in `queries/`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use moc_uploads_store_sqlite::SqliteStore;
use rusqlite::Connection;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn query(name: &str) -> String {
    std::fs::read_to_string(folder("queries").join(name)).unwrap()
}

async fn migrated() -> (Connection, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.migrate().await.unwrap();
    store.close().await;
    (Connection::open(path).unwrap(), folder)
}

#[tokio::test]
async fn every_query_prepares_on_a_new_database() {
    let (db, _folder) = migrated().await;
    let files = files(&folder("queries"));
    assert!(!files.is_empty());
    for path in files {
        let sql = std::fs::read_to_string(&path).unwrap();
        if let Err(error) = db.prepare(&sql) {
            panic!("{}: {error}", path.display());
        }
    }
}

#[test]
fn every_query_is_used() {
    let sources: String = files(&folder("src"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let unused: BTreeSet<_> = files(&folder("queries"))
        .into_iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .filter(|name| !sources.contains(&format!("queries/{name}\"")))
        .collect();
    assert_eq!(unused, BTreeSet::new());
}

/// They end after a first row or a limit, or walk over what the caller passed.
const BOUNDED_SCANS: &[&str] = &[
    "SCAN CONSTANT ROW",
    "SCAN json_each VIRTUAL TABLE",
    "SCAN k VIRTUAL TABLE",
    "SCAN w VIRTUAL TABLE",
    "SCAN upload_sessions USING COVERING INDEX",
    "SCAN upload_sessions USING INDEX idx_upload_sessions_to_free",
    "SCAN ended",
    "SCAN database_identity",
    // Of what an index has narrowed.
    "SCAN created",
    "SCAN ranked",
    "SCAN (subquery",
    // Active sessions alone, once at start.
    "SCAN upload_sessions USING INDEX idx_upload_sessions_expires_at",
];

/// What a query walks over grows with the database, unless an index narrows it.
#[tokio::test]
async fn no_query_scans_a_table() {
    let (db, _folder) = migrated().await;
    for path in files(&folder("queries")) {
        let sql = std::fs::read_to_string(&path).unwrap();
        for step in plan(&db, &sql) {
            let is_scan = step.starts_with("SCAN ");
            let is_bounded = BOUNDED_SCANS.iter().any(|scan| step.starts_with(scan));
            assert!(!is_scan || is_bounded, "{}: {step}", path.display());
        }
    }
}

#[tokio::test]
async fn duplicates_are_found_by_their_index() {
    let (db, _folder) = migrated().await;
    let steps = plan(&db, &query("duplicate_list.sql")).join("\n");
    let index = "idx_upload_session_files_duplicate_detection \
                 (user_id=? AND file_size_bytes=? AND file_hash=?)";
    assert!(steps.contains(index), "{steps}");
}

fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get("detail").unwrap());
    }
    steps
}
