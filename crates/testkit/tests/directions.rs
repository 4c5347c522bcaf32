//! Which crate may know which (docs/architecture.md).

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::path::Path;

const ADAPTERS: [&str; 4] = [
    "moc-uploads-store-sqlite",
    "moc-uploads-store-postgres",
    "moc-uploads-blob-disk",
    "moc-uploads-blob-s3",
];
const HEAVY: [&str; 6] = ["axum", "sqlx", "rusqlite", "aws-", "reqwest", "hyper"];

/// The names in the `[dependencies]` section of a crate's manifest.
fn dependencies(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder)
        .join("Cargo.toml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    let names: Vec<String> = manifest
        .lines()
        .skip_while(|line| line.trim() != "[dependencies]")
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect();
    assert!(!names.is_empty(), "{} names nothing", path.display());
    names
}

#[track_caller]
fn assert_knows_none(folder: &str, forbidden: impl IntoIterator<Item = &'static str>) {
    let names = dependencies(folder);
    for forbidden in forbidden {
        let known = names.iter().find(|name| name.starts_with(forbidden));
        assert_eq!(known, None, "{folder} must not depend on {forbidden}");
    }
}

#[test]
fn core_knows_no_adapter_and_nothing_heavy() {
    assert_knows_none("core", ADAPTERS.into_iter().chain(HEAVY).chain(["tokio"]));
}

#[test]
fn the_api_knows_no_adapter() {
    assert_knows_none(
        "api",
        ADAPTERS.into_iter().chain(["rusqlite", "sqlx", "aws-"]),
    );
}

#[test]
fn adapters_know_neither_each_other_nor_http() {
    for folder in ["store-sqlite", "store-postgres", "blob-disk", "blob-s3"] {
        let own_name = format!("moc-uploads-{folder}");
        let others = ADAPTERS.into_iter().filter(|name| *name != own_name);
        assert_knows_none(folder, others.chain(["axum", "moc-uploads-api"]));
    }
}

/// It is large, and its ways are peculiar.
#[test]
fn one_crate_knows_the_aws_sdk() {
    for folder in [
        "core",
        "api",
        "store-sqlite",
        "store-postgres",
        "blob-disk",
        "moc-uploads",
        "testkit",
    ] {
        assert_knows_none(folder, ["aws-"]);
    }
    let known = dependencies("blob-s3");
    assert!(known.iter().any(|name| name == "aws-sdk-s3"));
}

#[test]
fn the_contract_knows_neither_the_service_nor_http_servers() {
    assert_knows_none(
        "contract",
        HEAVY.into_iter().chain(["moc-uploads", "tokio"]),
    );
}
