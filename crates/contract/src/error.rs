//! Why nothing was generated.

use std::path::{Path, PathBuf};
use std::{fmt, io};

use crate::diagnostic::Diagnostic;
use crate::document::DocumentError;

/// Why nothing was generated. Nothing was written, either.
#[derive(Debug)]
pub enum Error {
    /// The `.http` files, or their fit with the server: all of it.
    Contract(Vec<Diagnostic>),
    /// There is no `.http` file in the folder.
    NoFiles(PathBuf),
    /// The OpenAPI document.
    Document(DocumentError),
    /// A file.
    Io {
        /// What was tried: `read`.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// Why it did not work.
        cause: io::Error,
    },
    /// Node.js, npm or a program that they run; says how to get what is missing.
    Node(String),
    /// The folder to write to holds something else.
    NotOurs(PathBuf),
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        Self::Io {
            action,
            path,
            cause,
        }
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        Self::Document(error)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contract(problems) => {
                for problem in problems {
                    writeln!(f, "{problem}\n")?;
                }
                match problems.len() {
                    1 => f.write_str("1 error in the contract"),
                    count => write!(f, "{count} errors in the contract"),
                }
            }
            Self::NoFiles(folder) => write!(f, "there is no .http file in {}", folder.display()),
            Self::Document(error) => error.fmt(f),
            Self::Io {
                action,
                path,
                cause,
            } => write!(f, "can't {action} {}: {cause}", path.display()),
            Self::Node(text) => f.write_str(text),
            Self::NotOurs(folder) => write!(
                f,
                "{} holds something else; name a folder that is new, or that this command has written",
                folder.display()
            ),
        }
    }
}
