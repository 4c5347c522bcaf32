//! The files of the SDK.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::error::Error;
use crate::join::Contract;
use crate::output::{openapi, readme};

/// What is written by hand; `crates/contract/template/`.
pub(crate) const TEMPLATE: [(&str, &str); 2] = [
    ("src/index.ts", include_str!("../template/src/index.ts")),
    ("tsconfig.json", include_str!("../template/tsconfig.json")),
];
const PACKAGE_JSON: &str = include_str!("../template/package.json");
const README: &str = include_str!("../template/README.md");
const LICENSES: [(&str, &str); 2] = [
    ("LICENSE-APACHE", include_str!("../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../../../LICENSE-MIT")),
];

/// Files by their path in the package, with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    files: BTreeMap<String, Vec<u8>>,
}

impl Package {
    /// Everything but what Node makes of it.
    pub(crate) fn of(contract: &Contract<'_>) -> Self {
        let document = openapi::document(contract);
        let version = document["info"]["version"].as_str().unwrap_or("0.0.0");
        let package = PACKAGE_JSON.replacen("\"0.0.0\"", &Value::from(version).to_string(), 1);
        let operations = readme::operations(contract);
        let readme = README.replacen(
            "<!-- operations -->\n",
            operations.trim_end_matches('\n'),
            1,
        );
        let mut made = Self::default();
        made.add("README.md", readme.trim_end().to_owned() + "\n");
        made.add("package.json", package);
        made.add("openapi.json", format!("{document:#}\n"));
        for (name, text) in TEMPLATE.into_iter().chain(LICENSES) {
            made.add(name, text);
        }
        made
    }

    fn add(&mut self, name: &str, content: impl Into<Vec<u8>>) {
        self.files.insert(name.to_owned(), content.into());
    }

    /// Reads every file below a folder; what is not there has none.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let mut package = Self::default();
        let mut waiting = vec![PathBuf::new()];
        while let Some(below) = waiting.pop() {
            let at = folder.join(&below);
            let entries = match fs::read_dir(&at) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                other => other.map_err(|error| Error::io("read", &at, error))?,
            };
            for entry in entries {
                let entry = entry.map_err(|error| Error::io("read", &at, error))?;
                let path = entry.path();
                let below = below.join(entry.file_name());
                if path.is_dir() {
                    // npm's, and none of ours.
                    if entry.file_name() != "node_modules" {
                        waiting.push(below);
                    }
                } else {
                    let content =
                        fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
                    let name: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
                    package.files.insert(name.join("/"), content);
                }
            }
        }
        Ok(package)
    }

    /// Writes every file below a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), Error> {
        for (name, content) in &self.files {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
            fs::write(&path, content).map_err(|error| Error::io("write", &path, error))?;
        }
        Ok(())
    }

    /// Its files, by name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// The content of a file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }
}
