//! Text with `{{...}}` in it.

use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span};

/// Text, some of which is filled in when the request is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Where it begins and ends. What lies between need not belong to it: URLs and headers go on in
    /// further lines.
    pub span: Span,
    /// In order.
    pub pieces: Vec<Piece>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands there.
    Text(Span),
    /// `{{...}}`.
    Expression {
        /// With its braces.
        span: Span,
        /// What is between them.
        expression: Expression,
    },
}

/// What stands between `{{` and `}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// `token`: a variable of the file or of the environment.
    Variable(String),
    /// `$processEnv HOME`: a variable of the tool, the name with its `$`.
    System {
        /// `$processEnv`.
        name: String,
        /// `HOME`.
        arguments: Vec<String>,
    },
    /// `login.response.body.token`: from another request.
    Reference(Reference),
    /// None of these.
    Other(String),
}

/// A value out of another request or its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// `# @name` of that request.
    pub request: String,
    /// Out of what was sent or of what was answered.
    pub message: Message,
    /// Which part of it.
    pub part: Part,
}

/// One of the two messages of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// What was sent.
    Request,
    /// What was answered.
    Response,
}

/// Which part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `body.results[0].id`; no step is the whole body (`body`, `body.*`, `body.$`).
    Body(Vec<Step>),
    /// `headers.etag`.
    Header(String),
}

/// One step into a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.results` or `['results']`.
    Member(String),
    /// `[0]`.
    Index(usize),
}

impl Template {
    /// Nothing, at a place.
    pub(super) const fn empty(at: usize) -> Self {
        Self {
            span: at..at,
            pieces: Vec::new(),
        }
    }

    /// Reads a piece of the source; what is wrong with it is added to `problems`.
    pub(super) fn read(source: &Source, span: Span, problems: &mut Vec<Diagnostic>) -> Self {
        let mut template = Self::empty(span.start);
        template.append(source, span, problems);
        template
    }

    /// Adds what stands further on in the source.
    pub(super) fn append(&mut self, source: &Source, span: Span, problems: &mut Vec<Diagnostic>) {
        let mut at = span.start;
        while let Some(found) = source.text[at..span.end].find("{{") {
            let open = at + found;
            let inner_start = open + 2;
            // An expression stays in its line.
            let line_end = source.text[inner_start..span.end]
                .find('\n')
                .map_or(span.end, |newline| inner_start + newline);
            let rest = &source.text[inner_start..line_end];
            let next = rest.find("{{").unwrap_or(rest.len());
            let Some(length) = rest[..next].find("}}") else {
                problems.push(
                    Diagnostic::new(source, open..inner_start)
                        .says("this `{{` is not closed")
                        .hint("close it with `}}`, in the same line"),
                );
                self.text(at..inner_start + next);
                at = inner_start + next;
                continue;
            };
            let inner = &source.text[inner_start..inner_start + length];
            let close = inner_start + length + 2;
            if inner.trim().is_empty() {
                problems.push(
                    Diagnostic::new(source, open..close)
                        .says("there is nothing between these braces")
                        .hint("name a variable, as in {{token}}"),
                );
            }
            self.text(at..open);
            self.pieces.push(Piece::Expression {
                span: open..close,
                expression: Expression::read(inner.trim()),
            });
            at = close;
        }
        self.text(at..span.end);
        self.span.end = span.end;
    }

    fn text(&mut self, span: Span) {
        if !span.is_empty() {
            self.pieces.push(Piece::Text(span));
        }
    }

    /// Its expressions and where they stand.
    pub fn expressions(&self) -> impl Iterator<Item = (&Expression, &Span)> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Expression { span, expression } => Some((expression, span)),
        })
    }

    /// The text, when nothing in it is filled in.
    #[must_use]
    pub fn as_text(&self, source: &Source) -> Option<String> {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(span) => Some(source.slice(span)),
                Piece::Expression { .. } => None,
            })
            .collect()
    }
}

impl Expression {
    fn read(text: &str) -> Self {
        if text.starts_with('$') {
            let mut words = text.split_ascii_whitespace().map(str::to_owned);
            return Self::System {
                name: words.next().unwrap_or_default(),
                arguments: words.collect(),
            };
        }
        if is_variable_name(text) && !text.contains('.') {
            return Self::Variable(text.to_owned());
        }
        if let Some(reference) = Reference::read(text) {
            return Self::Reference(reference);
        }
        if is_variable_name(text) {
            return Self::Variable(text.to_owned());
        }
        Self::Other(text.to_owned())
    }
}

impl Reference {
    fn read(text: &str) -> Option<Self> {
        let (request, rest) = text.split_once('.')?;
        let (message, rest) = match rest.split_once('.')? {
            ("request", rest) => (Message::Request, rest),
            ("response", rest) => (Message::Response, rest),
            _ => return None,
        };
        let part = if let Some(name) = rest.strip_prefix("headers.") {
            Part::Header(name.to_owned())
        } else {
            let path = rest.strip_prefix("body")?;
            match path {
                "" | ".*" | ".$" => Part::Body(Vec::new()),
                _ => Part::Body(steps(path.strip_prefix(".$").unwrap_or(path))?),
            }
        };
        is_variable_name(request).then(|| Self {
            request: request.to_owned(),
            message,
            part,
        })
    }
}

/// `.results[0]['file-id']`.
fn steps(mut path: &str) -> Option<Vec<Step>> {
    let mut found = Vec::new();
    while !path.is_empty() {
        if let Some(rest) = path.strip_prefix('.') {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, rest) = rest.split_at(end);
            if name.is_empty() {
                return None;
            }
            found.push(Step::Member(name.to_owned()));
            path = rest;
        } else {
            let (inner, rest) = path.strip_prefix('[')?.split_once(']')?;
            let quoted = ['\'', '"']
                .iter()
                .find_map(|quote| inner.strip_prefix(*quote)?.strip_suffix(*quote));
            found.push(match quoted {
                Some(name) => Step::Member(name.to_owned()),
                None => Step::Index(inner.parse().ok()?),
            });
            path = rest;
        }
    }
    Some(found)
}

/// What `@name = value` can define.
pub(super) fn is_variable_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.'))
}
