//! The files of the SDK.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde_json::Value;

use crate::error::Error;
use crate::join::Contract;
use crate::output::{openapi, readme};

/// What is written by hand; the build lists it.
const TEMPLATE: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/template.rs"));
const LICENSES: [(&str, &str); 2] = [
    ("LICENSE-APACHE", include_str!("../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../../../LICENSE-MIT")),
];

/// Where the template's README and its index have the operations.
const SECTIONS: &str = "<!-- operations -->";
const NAMES: &str = "  /* operations */\n";

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
        let operations = readme::operations(contract);
        let names: String = (contract.presented.iter())
            .map(|presented| format!("  {},\n", presented.name))
            .collect();
        let mut made = Self::default();
        for (name, text) in TEMPLATE.iter().chain(&LICENSES) {
            let text = match *name {
                "README.md" => text.replacen(SECTIONS, operations.trim_end(), 1),
                "src/index.ts" => text.replacen(NAMES, &names, 1),
                "package.json" => text.replacen("\"0.0.0\"", &Value::from(version).to_string(), 1),
                _ => (*text).to_owned(),
            };
            made.add(name, text);
        }
        made.add("openapi.json", format!("{document:#}\n"));
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
                let kind = entry.file_type();
                if kind
                    .map_err(|error| Error::io("read", &at, error))?
                    .is_dir()
                {
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
