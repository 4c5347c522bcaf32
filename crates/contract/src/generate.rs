//! From a folder of `.http` files to a folder with the SDK.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

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
    package: Package,
    out: PathBuf,
    changes: Changes,
}

/// Makes the SDK of the `.http` files in `http` and of the server's OpenAPI document. `tools` is
/// where the programs that need Node.js are kept, and installed when they are not there.
///
/// # Errors
/// When the contract does not hold together, with everything that is wrong with it; when `out` holds
/// something else; when Node.js is missing; when a file can't be read or written. `out` is as it was.
pub fn generate(
    http: &Path,
    document: Value,
    out: &Path,
    tools: &Path,
) -> Result<Generated, Error> {
    let draft = draft(http, document)?;
    check_ours(out)?;
    let old = Package::read(out)?;
    let tools = Tools::install(tools)?;
    // Not beside `out`, where it would stay when the process is killed.
    let folder = tempfile::tempdir()
        .map_err(|error| Error::io("create a folder in", &std::env::temp_dir(), error))?;
    draft.write(folder.path())?;
    tools.generate(folder.path())?;
    let package = Package::read(folder.path())?;
    let changes = Changes::between(&old, &package);
    Ok(Generated {
        package,
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
    draft_of(read(http)?, &document)
}

/// The same of what is read already, or refused, in the order of the files.
///
/// # Errors
/// When the contract does not hold together, with everything that is wrong with it.
pub fn draft_of(
    sources: Vec<Result<Source, Box<Diagnostic>>>,
    document: &Document,
) -> Result<Package, Error> {
    let mut files = Vec::new();
    let mut problems: Vec<Diagnostic> = Vec::new();
    for source in sources {
        match source {
            Ok(source) => {
                let (file, wrong) = HttpFile::parse(source);
                files.push(file);
                problems.extend(wrong);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    let scopes: Vec<Scope<'_>> = files.iter().map(Scope::new).collect();
    let joined = join(&scopes, document);
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

/// The `.http` files of a folder, ordered by name.
fn read(folder: &Path) -> Result<Vec<Result<Source, Box<Diagnostic>>>, Error> {
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
    let sources = paths
        .iter()
        .map(|path| Source::read(path).map_err(|error| Error::io("read", path, error)));
    sources.collect()
}

/// A folder that holds something else is not replaced, and not even read.
fn check_ours(out: &Path) -> Result<(), Error> {
    let unread = |error| Error::io("read", out, error);
    let is_ours = match fs::read(out.join("package.json")) {
        Ok(text) => {
            let package: Value = serde_json::from_slice(&text).unwrap_or_default();
            package["name"] == PACKAGE
        }
        Err(_) => match fs::read_dir(out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            entries => entries.map_err(unread)?.next().is_none(),
        },
    };
    if is_ours {
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
    /// When it can't be written or put there. What is there is whole: the old one or, where only the
    /// old one could not be cleared away, the new one.
    pub fn put(&self) -> Result<(), Error> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let new = folder::beside(&self.out)?;
        self.package.write(new.path())?;
        folder::swap(new, &self.out)
    }
}
