//! The guard of the conformance suites: a behaviour that is written but not listed is never run.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The names of public async functions in the files of `folder` that its `mod.rs` does not name.
///
/// # Panics
/// When there is nothing to guard.
pub fn unlisted_behaviours(folder: &Path) -> Vec<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
    let listed: HashSet<&str> = list.split(|c| !is_name(c)).collect();

    let mut behaviours = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub async fn ") {
                let name = rest.split(|c| !is_name(c)).next();
                behaviours.extend(name.map(str::to_owned));
            }
        }
    }
    assert!(!behaviours.is_empty(), "no behaviours in {folder:?}");
    behaviours.retain(|name| !listed.contains(name.as_str()));
    behaviours
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_found() {
        let folder = std::env::temp_dir().join(format!("listing-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("mod.rs"), "topic { one_thing }").unwrap();
        fs::write(
            folder.join("topic.rs"),
            "pub async fn one_thing() {}\npub async fn one() {}\n",
        )
        .unwrap();
        let unlisted = unlisted_behaviours(&folder);
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(unlisted, ["one"]);
    }
}
