//! Text with a name, and places in it.

use std::ops::Range;
use std::path::Path;
use std::{fs, io};

use crate::diagnostic::Diagnostic;

/// Bytes of a source, from `start` up to but not including `end`; both lie between characters.
pub type Span = Range<usize>;

/// A file's text under the name that messages give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As the user would type it: `__http__/system.http`.
    pub path: String,
    /// All of it, as it is on disk.
    pub text: String,
}

impl Source {
    /// Reads a file that is expected to be UTF-8.
    ///
    /// # Errors
    /// When it can't be read. A file that is not UTF-8 is the inner error, which says where.
    pub fn read(path: &Path) -> io::Result<Result<Self, Box<Diagnostic>>> {
        Ok(Self::from_bytes(
            path.display().to_string(),
            fs::read(path)?,
        ))
    }

    /// The text of these bytes.
    ///
    /// # Errors
    /// Where they stop being UTF-8.
    pub fn from_bytes(path: String, bytes: Vec<u8>) -> Result<Self, Box<Diagnostic>> {
        String::from_utf8(bytes)
            .map(|text| Self {
                path: path.clone(),
                text,
            })
            .map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let source = Self {
                    path,
                    text: String::from_utf8_lossy(error.as_bytes()).into_owned(),
                };
                // What stands before the broken byte is the same in both texts.
                Diagnostic::new(&source, at..at + char::REPLACEMENT_CHARACTER.len_utf8())
                    .says("this is not UTF-8")
                    .hint("save the file as UTF-8; other bytes can be sent from a file: < ./name")
                    .into()
            })
    }

    /// The text of a span.
    #[must_use]
    pub fn slice(&self, span: &Span) -> &str {
        &self.text[span.clone()]
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    #[must_use]
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let shown = before[line_start..].trim_start_matches('\u{feff}');
        (line, shown.chars().count() + 1)
    }
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was read.
    pub value: T,
    /// Where it was read.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value that was read at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}
