//! From a folder of `.http` files to a folder with the SDK.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::changes::Changes;
use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::error::Error;
use crate::folder;
use crate::http::HttpFile;
use crate::join::expand::Scope;
use crate::join::join;
use crate::node::Tools;
use crate::output::example::PACKAGE;
use crate::package::Package;
use crate::source::Source;

/// An SDK that is made but not yet in its place.
#[derive(Debug)]
pub struct Generated {
    folder: tempfile::TempDir,
    out: PathBuf,
    changes: Changes,
}

/// Makes the SDK of the `.http` files in `http` and of the server's OpenAPI document, in a new
/// folder beside `out`. `tools` is where the programs that need Node.js are kept, and installed when
/// they are not there.
///
/// # Errors
/// When the contract does not hold together, with everything that is wrong with it; when Node.js is
/// missing; when a file can't be read or written. `out` is as it was.
pub fn generate(
    http: &Path,
    document: Value,
    out: &Path,
    tools: &Path,
) -> Result<Generated, Error> {
    let package = draft(http, document)?;
    let old = Package::read(out)?;
    check_ours(&old, out)?;
    let folder = folder::beside(out)?;
    package.write(folder.path())?;
    Tools::install(tools)?.generate(folder.path())?;
    let changes = Changes::between(&old, &Package::read(folder.path())?);
    Ok(Generated {
        folder,
        out: out.to_owned(),
        changes,
    })
}

/// The part of the SDK that needs no Node.js: everything but the client's code.
///
/// # Errors
/// When the contract does not hold together, with everything that is wrong with it; when a file
/// can't be read.
pub fn draft(http: &Path, document: Value) -> Result<Package, Error> {
    let document = Document::new(document)?;
    let (files, mut problems) = read(http)?;
    let scopes: Vec<Scope<'_>> = files.iter().map(Scope::new).collect();
    let joined = join(&scopes, &document);
    if !problems.is_empty() {
        // What was lost with a broken line is missed elsewhere, which is no news.
        let broken: HashSet<String> = problems.iter().map(|it| it.path.clone()).collect();
        let others = joined.err().into_iter().flatten();
        problems.extend(others.filter(|it| it.line > 0 && !broken.contains(&it.path)));
        return Err(Error::Contract(problems));
    }
    let contract = joined.map_err(Error::Contract)?;
    Ok(Package::of(&contract))
}

/// Reads the `.http` files of a folder, ordered by name, without a server's document.
///
/// # Errors
/// Everything that can't be understood.
pub fn read_files(folder: &Path) -> Result<Vec<HttpFile>, Error> {
    let (files, problems) = read(folder)?;
    if problems.is_empty() {
        Ok(files)
    } else {
        Err(Error::Contract(problems))
    }
}

fn read(folder: &Path) -> Result<(Vec<HttpFile>, Vec<Diagnostic>), Error> {
    let unread = |error| Error::io("read", folder, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        if path
            .extension()
            .is_some_and(|it| it == "http" || it == "rest")
        {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Error::NoFiles(folder.to_owned()));
    }
    let mut files = Vec::new();
    let mut problems: Vec<Diagnostic> = Vec::new();
    for path in paths {
        match Source::read(&path).map_err(|error| Error::io("read", &path, error))? {
            Ok(source) => {
                let (file, wrong) = HttpFile::parse(source);
                files.push(file);
                problems.extend(wrong);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    Ok((files, problems))
}

/// A folder that holds something else is not replaced.
fn check_ours(old: &Package, out: &Path) -> Result<(), Error> {
    let name = old.file("package.json").map(|text| {
        let package: Value = serde_json::from_slice(text).unwrap_or_default();
        package["name"] == PACKAGE
    });
    if name == Some(true) || old.files().next().is_none() {
        return Ok(());
    }
    Err(Error::NotOurs(out.to_owned()))
}

impl Generated {
    /// What putting it in its place would change.
    #[must_use]
    pub const fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Puts it in its place; a folder that has nothing to change is left alone.
    ///
    /// # Errors
    /// When the folder can't be replaced; then it is as it was.
    pub fn put(self) -> Result<(), Error> {
        if self.changes.is_empty() {
            return Ok(());
        }
        folder::swap(self.folder, &self.out)
    }
}
