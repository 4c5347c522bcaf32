//! `.http` files, in the dialects of REST Client and of JetBrains' HTTP client.
//!
//! [`HttpFile::parse`] never fails: it takes what it can and tells what it could not. Every byte of
//! the text belongs to exactly one [`Line`], so a file prints back as it was.

mod body;
mod classify;
mod head;
mod parse;
mod request_line;
mod template;

use std::fmt;

pub use template::{Expression, Message, Part, Piece, Reference, Step, Template};

use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span, Spanned};

/// One `.http` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpFile {
    /// Its name and text.
    pub source: Source,
    /// Its lines, in order; together they are the text.
    pub lines: Vec<Line>,
    /// `@name = value`, in order.
    pub variables: Vec<Variable>,
    /// Its requests, in order.
    pub requests: Vec<Request>,
}

impl HttpFile {
    /// Reads a file and everything that is wrong with it, in order.
    #[must_use]
    pub fn parse(source: Source) -> (Self, Vec<Diagnostic>) {
        parse::parse(source)
    }
}

impl fmt::Display for HttpFile {
    /// The text it was read from.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|line| f.write_str(self.source.slice(&line.span)))
    }
}

/// A line with its end (`\n`, `\r\n`, or nothing at the end of the file).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// All of it, a byte order mark included.
    pub span: Span,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind {
    /// Nothing but white space.
    Blank,
    /// `### title`.
    Separator,
    /// `# text` or `// text`.
    Comment,
    /// `# @name value`.
    Annotation,
    /// `@name = value`.
    Variable,
    /// `POST https://example.com/ HTTP/1.1`.
    RequestLine,
    /// More of the URL.
    UrlContinuation,
    /// `Name: value`.
    Header,
    /// More of a header's value.
    HeaderContinuation,
    /// Text of the body.
    Body,
    /// `< ./file`: a file's bytes as (part of) the body.
    BodyFile,
    /// `< {% ... %}` or `> {% ... %}` or `> ./script.js`: for the tool that runs it, skipped here.
    Script,
    /// `>> file` or `<> file`: where a tool keeps answers, skipped here.
    Response,
    /// None of these: told as an error.
    Unknown,
}

/// `@name = value`: holds in the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Without the `@`.
    pub name: Spanned<String>,
    /// What stands for it.
    pub value: Template,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What its separator says.
    pub title: Option<Spanned<String>>,
    /// Comments between its separator and its request line, without their marks.
    pub comments: Vec<String>,
    /// `# @name value`, in order.
    pub annotations: Vec<Annotation>,
    /// In capitals; `GET` where the line has only a URL.
    pub method: Spanned<String>,
    /// With its continuation lines.
    pub url: Template,
    /// `HTTP/1.1`, where it is there.
    pub version: Option<Spanned<String>>,
    /// In order.
    pub headers: Vec<Header>,
    /// In order; empty when there is none.
    pub body: Vec<BodyPart>,
    /// Its request line.
    pub span: Span,
}

impl Request {
    /// The annotation of this name, the first if there are several.
    #[must_use]
    pub fn annotation(&self, name: &str) -> Option<&Annotation> {
        self.annotations
            .iter()
            .find(|annotation| annotation.name.value == name)
    }

    /// `# @name value`.
    #[must_use]
    pub fn name(&self) -> Option<&Spanned<String>> {
        self.annotation("name")?.value.as_ref()
    }

    /// The value of a header, the first if there are several; names are alike in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Header> {
        self.headers
            .iter()
            .find(|header| header.name.value.eq_ignore_ascii_case(name))
    }

    /// Every template of the request: URL, headers, body.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let headers = self.headers.iter().map(|header| &header.value);
        let body = self.body.iter().map(|part| match part {
            BodyPart::Text(text) => text,
            BodyPart::File { path, .. } => path,
        });
        std::iter::once(&self.url).chain(headers).chain(body)
    }
}

/// `# @name value`, also `# @name=value` and `// @name value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Without the `@`.
    pub name: Spanned<String>,
    /// Nothing for a mark such as `# @no-redirect`.
    pub value: Option<Spanned<String>>,
}

/// `Name: value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// As it is written.
    pub name: Spanned<String>,
    /// Without the white space around it.
    pub value: Template,
}

/// A piece of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyPart {
    /// Text, with the ends of its lines but the last.
    Text(Template),
    /// `< path`, `<@ path` or `<@latin1 path`.
    File {
        /// Relative to the folder of the `.http` file.
        path: Template,
        /// `<@`: variables in that file are replaced, too.
        has_variables: bool,
        /// Which encoding that file has, where it is said.
        encoding: Option<Spanned<String>>,
    },
}
