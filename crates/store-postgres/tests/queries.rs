//! The files in `queries/` and `migrations/`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

mod common;

/// What SQLite alone has: a server that is the only one may give back all locks when it starts.
const SQLITE_ONLY: &[&str] = &["session_unlock_all.sql"];

/// What PostgreSQL alone has: sums of hours.
const POSTGRES_ONLY: &[&str] = &["analytics_refresh.sql"];

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
    assert!(!found.is_empty(), "{} is empty", folder.display());
    found
}

fn names(folder: &Path) -> BTreeSet<String> {
    let names = files(folder).into_iter();
    names
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

/// What a statement does of SQLite's beside the one of its own name: its first line says so.
fn folded_into(path: &Path) -> Vec<String> {
    let sql = std::fs::read_to_string(path).unwrap();
    let Some(list) = sql.lines().next().unwrap().strip_prefix("-- With: ") else {
        return Vec::new();
    };
    let list = list.strip_suffix('.').unwrap();
    list.split(", ").map(|name| format!("{name}.sql")).collect()
}

#[test]
fn each_query_is_named_as_sqlites_and_says_which_others_are_in_it() {
    let sqlite = names(&folder("../store-sqlite/queries"));
    let own = names(&folder("queries"));
    let folded: BTreeSet<_> = files(&folder("queries"))
        .iter()
        .flat_map(|path| folded_into(path))
        .collect();
    assert!(folded.is_disjoint(&own), "both a file and a part of one");
    let only_there = SQLITE_ONLY.iter().map(|name| (*name).to_owned()).collect();
    let mut all: BTreeSet<_> = own.union(&folded).cloned().collect();
    all.retain(|name| !POSTGRES_ONLY.contains(&name.as_str()));
    assert_eq!(
        all.union(&only_there).cloned().collect::<BTreeSet<_>>(),
        sqlite
    );
}

#[test]
fn the_migrations_are_named_as_sqlites() {
    let sqlite = names(&folder("../store-sqlite/migrations"));
    assert_eq!(names(&folder("migrations")), sqlite);
}

#[test]
fn every_query_is_used() {
    let sources: String = files(&folder("src"))
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let unused: Vec<_> = names(&folder("queries"))
        .into_iter()
        .filter(|name| !sources.contains(&format!("queries/{name}\"")))
        .collect();
    assert_eq!(unused, Vec::<String>::new());
}

#[tokio::test]
async fn every_query_prepares_on_a_new_database() {
    let Some(database) = common::migrated().await else {
        return;
    };
    for path in files(&folder("queries")) {
        let sql = std::fs::read_to_string(&path).unwrap();
        let prepare = format!("PREPARE statement AS\n{sql}");
        let output = database.psql_command().args(["-c", &prepare]).output();
        let output = output.unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", path.display());
    }
}

/// What a query walks over grows with the database, unless an index narrows it.
#[tokio::test]
async fn no_query_scans_a_table() {
    let Some(database) = common::migrated().await else {
        return;
    };
    for path in files(&folder("queries")) {
        let sql = std::fs::read_to_string(&path).unwrap();
        let nulls = vec!["NULL"; parameter_count(&sql)].join(", ");
        let arguments = if nulls.is_empty() {
            String::new()
        } else {
            format!("({nulls})")
        };
        // A small table is always scanned, unless that is made to look expensive.
        let explain = format!(
            "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; \
             PREPARE statement AS {sql}; EXPLAIN (COSTS OFF) EXECUTE statement{arguments}"
        );
        let plan = database.psql(&explain);
        let is_bounded = path.ends_with("store_ping.sql");
        assert!(
            !plan.contains("Seq Scan") || is_bounded,
            "{}: {plan}",
            path.display()
        );
    }
}

fn parameter_count(sql: &str) -> usize {
    let numbers = sql.split('$').skip(1).filter_map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    numbers.max().unwrap_or(0)
}

#[tokio::test]
async fn duplicates_are_found_by_their_index() {
    let Some(database) = common::migrated().await else {
        return;
    };
    let sql = std::fs::read_to_string(folder("queries/session_insert.sql")).unwrap();
    let nulls = vec!["NULL"; parameter_count(&sql)].join(", ");
    let explain = format!(
        "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; \
         PREPARE statement AS {sql}; EXPLAIN (COSTS OFF) EXECUTE statement({nulls})"
    );
    let plan = database.psql(&explain);
    let mut lines = plan.lines().map(str::trim);
    let index = "Index Scan using idx_upload_session_files_duplicate_detection";
    assert!(lines.any(|line| line.contains(index)), "{plan}");
    let condition = "((user_id = $3) AND (file_size_bytes = w.size) AND (file_hash = w.hash))";
    let found = lines
        .next()
        .and_then(|line| line.strip_prefix("Index Cond: "));
    assert_eq!(found, Some(condition), "{plan}");
}
