//! What generating again would change.

use std::collections::BTreeSet;
use std::fmt;

use similar::TextDiff;

use crate::package::Package;

/// The files that differ between two packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    files: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Change {
    name: String,
    old: Option<String>,
    new: Option<String>,
}

impl Changes {
    /// From one package to another.
    #[must_use]
    pub fn between(old: &Package, new: &Package) -> Self {
        let names: BTreeSet<&str> = old
            .files()
            .chain(new.files())
            .map(|(name, _)| name)
            .collect();
        let text = |package: &Package, name| {
            let content = package.file(name)?;
            Some(String::from_utf8_lossy(content).into_owned())
        };
        let differing = names
            .into_iter()
            .filter(|name| old.file(name) != new.file(name));
        Self {
            files: differing
                .map(|name| Change {
                    name: name.to_owned(),
                    old: text(old, name),
                    new: text(new, name),
                })
                .collect(),
        }
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

impl fmt::Display for Changes {
    /// A unified diff; of what is compiled (`dist/`) the names alone, its sources are there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { name, old, new } in &self.files {
            let verb = match (old, new) {
                (None, _) => "new",
                (_, None) => "gone",
                _ => "changed",
            };
            writeln!(f, "{verb}: {name}")?;
        }
        for Change { name, old, new } in &self.files {
            let (Some(old), Some(new)) = (old, new) else {
                continue;
            };
            if !name.starts_with("dist/") {
                let diff = TextDiff::from_lines(old, new);
                let mut unified = diff.unified_diff();
                let names = (format!("a/{name}"), format!("b/{name}"));
                write!(f, "\n{}", unified.header(&names.0, &names.1))?;
            }
        }
        Ok(())
    }
}
