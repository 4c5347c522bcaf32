//! Templates with the file's variables put in.

use std::collections::HashMap;

use crate::http::{Expression, HttpFile, Piece, Template};
use crate::source::Span;

/// Stand around the number of what is only known when the request is sent. No text has them: they
/// are for private use.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// What a file's requests can refer to.
pub(crate) struct Scope<'a> {
    pub(crate) file: &'a HttpFile,
    variables: HashMap<&'a str, &'a Template>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(file: &'a HttpFile) -> Self {
        let variables = file
            .variables
            .iter()
            .map(|variable| (variable.name.value.as_str(), &variable.value))
            .collect();
        Self { file, variables }
    }

    pub(crate) fn variable_names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.variables.keys().copied()
    }

    pub(crate) fn has_variable(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }
}

/// How what is not known yet is put into the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A mark.
    Plain,
    /// A mark; in quotes where JSON has none around it.
    Json,
}

/// A text with marks for what is not known yet.
pub(crate) struct Expanded<'a> {
    pub(crate) text: String,
    pub(crate) unknowns: Vec<Unknown<'a>>,
    /// Pieces of the text, in its order.
    origins: Vec<Origin>,
}

/// Where a piece of the text comes from.
struct Origin {
    text: Span,
    file: Span,
    /// The file has the same there; else it has what the text was put in for.
    is_verbatim: bool,
}

/// What is only known when the request is sent.
#[derive(Debug)]
pub(crate) struct Unknown<'a> {
    pub(crate) expression: &'a Expression,
    /// It stands where JSON has a value, and is one: it brings its own quotes if it needs any.
    pub(crate) is_whole_value: bool,
}

impl<'a> Expanded<'a> {
    pub(crate) fn new(
        scope: &Scope<'a>,
        templates: impl IntoIterator<Item = &'a Template>,
        mode: Mode,
    ) -> Self {
        let mut expanded = Self {
            text: String::new(),
            unknowns: Vec::new(),
            origins: Vec::new(),
        };
        let mut quotes = Quotes::default();
        for template in templates {
            expanded.put(scope, template, None, &mut Vec::new(), (mode, &mut quotes));
        }
        expanded
    }

    fn put(
        &mut self,
        scope: &Scope<'a>,
        template: &'a Template,
        from: Option<&Span>,
        names: &mut Vec<&'a str>,
        (mode, quotes): (Mode, &mut Quotes),
    ) {
        for piece in &template.pieces {
            match piece {
                Piece::Text(span) => {
                    let text = scope.file.source.slice(span);
                    quotes.read(text);
                    self.push(text, from.unwrap_or(span), from.is_none());
                }
                Piece::Expression { span, expression } => {
                    let from = from.unwrap_or(span);
                    let known = match expression {
                        // A variable that leads to itself is told elsewhere.
                        Expression::Variable(name) if !names.contains(&name.as_str()) => scope
                            .variables
                            .get(name.as_str())
                            .map(|value| (name, *value)),
                        _ => None,
                    };
                    if let Some((name, value)) = known {
                        names.push(name);
                        self.put(scope, value, Some(from), names, (mode, quotes));
                        names.pop();
                    } else {
                        let is_whole_value = mode == Mode::Json && !quotes.is_inside;
                        let quote = if is_whole_value { "\"" } else { "" };
                        let mark = format!("{quote}{OPEN}{}{CLOSE}{quote}", self.unknowns.len());
                        self.push(&mark, from, false);
                        self.unknowns.push(Unknown {
                            expression,
                            is_whole_value,
                        });
                    }
                }
            }
        }
    }

    fn push(&mut self, text: &str, from: &Span, is_verbatim: bool) {
        let start = self.text.len();
        self.text.push_str(text);
        self.origins.push(Origin {
            text: start..self.text.len(),
            file: from.clone(),
            is_verbatim,
        });
    }

    /// Where in the file a piece of the text comes from.
    pub(crate) fn origin(&self, span: &Span) -> Option<Span> {
        let place = |at: usize, is_end: bool| {
            let Origin {
                text,
                file,
                is_verbatim,
            } = self
                .origins
                .iter()
                .rev()
                .find(|it| it.text.start < at || (!is_end && it.text.start == at))?;
            Some(match (is_verbatim, is_end) {
                (true, _) => file.start + (at - text.start).min(text.len()),
                (false, false) => file.start,
                (false, true) => file.end,
            })
        };
        let start = place(span.start, false)?;
        let end = place(span.end.max(span.start + 1), true)?;
        Some(start..end.max(start))
    }

    /// The text and the marks of a piece of [`Self::text`], apart.
    pub(crate) fn pieces<'t>(&self, text: &'t str) -> Vec<Result<usize, &'t str>> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(OPEN) {
            let Some((number, after)) = after.split_once(CLOSE) else {
                break;
            };
            if !before.is_empty() {
                found.push(Err(before));
            }
            found.extend(
                number
                    .parse()
                    .ok()
                    .filter(|at| *at < self.unknowns.len())
                    .map(Ok),
            );
            rest = after;
        }
        if !rest.is_empty() {
            found.push(Err(rest));
        }
        found
    }
}

/// Whether a JSON text is inside a string.
#[derive(Default)]
struct Quotes {
    is_inside: bool,
    is_escaped: bool,
}

impl Quotes {
    fn read(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' if self.is_inside => self.is_escaped = true,
                b'"' => self.is_inside = !self.is_inside,
                _ => {}
            }
        }
    }
}
