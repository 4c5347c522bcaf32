//! From lines to requests.

use std::mem;

use super::classify::{
    body_file, comment, content, is_indented, is_response, is_script_file, is_separator, lines,
    opens_script, trimmed,
};
use super::template::Template;
use super::{Header, HttpFile, Line, LineKind, Request, head, request_line};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span, Spanned};

pub(super) fn parse(source: Source) -> (HttpFile, Vec<Diagnostic>) {
    let mut parser = Parser::new(&source);
    for span in lines(&source.text) {
        parser.line(span);
    }
    parser.end_request();
    let Parser {
        lines,
        variables,
        requests,
        mut problems,
        ..
    } = parser;
    problems.sort_by_key(|problem| (problem.line, problem.column));
    let file = HttpFile {
        lines,
        variables,
        requests,
        source,
    };
    (file, problems)
}

/// Where in a request the next line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the request line.
    Head,
    /// Right after the request line.
    Url,
    Headers,
    Body,
    /// After a response handler.
    After,
    /// After a line that made no sense where a request line was due; up to the next separator.
    Lost,
}

struct Parser<'a> {
    source: &'a Source,
    state: State,
    /// Of the next request: everything but what its request line says.
    draft: Draft,
    request: Option<Request>,
    /// Index of the first line after the headers.
    body_start: usize,
    /// `{%` of a script that is not closed yet.
    script: Option<Span>,
    lines: Vec<Line>,
    variables: Vec<super::Variable>,
    requests: Vec<Request>,
    problems: Vec<Diagnostic>,
}

#[derive(Default)]
struct Draft {
    title: Option<Spanned<String>>,
    comments: Vec<String>,
    annotations: Vec<super::Annotation>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a Source) -> Self {
        Self {
            source,
            state: State::Head,
            draft: Draft::default(),
            request: None,
            body_start: 0,
            script: None,
            lines: Vec::new(),
            variables: Vec::new(),
            requests: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn line(&mut self, span: Span) {
        let source = self.source;
        let content = content(&source.text, &span);
        let text = source.slice(&content);
        let kind = if is_separator(text) {
            self.end_request();
            let title = trimmed(&source.text, content.clone());
            let marks = source.slice(&title).trim_start_matches('#').len();
            let title = trimmed(&source.text, title.end - marks..title.end);
            if !title.is_empty() {
                self.draft.title = Some(Spanned::new(source.slice(&title).to_owned(), title));
            }
            LineKind::Separator
        } else if self.script.is_some() {
            self.close_script(text);
            LineKind::Script
        } else {
            match self.state {
                State::Head => self.in_head(content, text),
                State::Url => self.after_request_line(content, text),
                State::Headers => self.in_headers(content, text),
                State::Body => self.in_body(content, text),
                State::After => self.after_handler(content, text),
                State::Lost => LineKind::Unknown,
            }
        };
        self.lines.push(Line { kind, span });
    }

    fn in_head(&mut self, content: Span, text: &str) -> LineKind {
        if text.trim().is_empty() {
            return LineKind::Blank;
        }
        if comment(text).is_some() {
            return self.comment(content, text);
        }
        if text.starts_with('@') {
            let variable = head::variable(self.source, content, &mut self.problems);
            self.variables.extend(variable);
            return LineKind::Variable;
        }
        if let Some(kind) = self.script_or_response(&content, text) {
            return kind;
        }
        if body_file(text).is_some() {
            return LineKind::Script;
        }
        let Some(line) = request_line::read(self.source, &content, &mut self.problems) else {
            self.state = State::Lost;
            return LineKind::Unknown;
        };
        let draft = mem::take(&mut self.draft);
        self.request = Some(Request {
            title: draft.title,
            comments: draft.comments,
            annotations: draft.annotations,
            method: line.method,
            url: line.url,
            version: line.version,
            headers: Vec::new(),
            body: Vec::new(),
            span: content,
        });
        self.state = State::Url;
        LineKind::RequestLine
    }

    fn comment(&mut self, content: Span, text: &str) -> LineKind {
        let said = comment(text).unwrap_or_default();
        let said_span = content.end - said.len()..content.end;
        let Some(annotation) = head::annotation(self.source, said_span) else {
            if self.request.is_none() {
                self.draft.comments.push(said.trim().to_owned());
            }
            return LineKind::Comment;
        };
        let known = match &mut self.request {
            Some(request) => &mut request.annotations,
            None => &mut self.draft.annotations,
        };
        if annotation.name.value == "name" {
            let problem = Diagnostic::new(self.source, annotation.name.span.clone());
            if annotation.value.is_none() {
                self.problems.push(
                    problem
                        .says("the request gets no name here")
                        .hint("write it after @name, as in # @name getUser"),
                );
            } else if known.iter().any(|other| other.name.value == "name") {
                self.problems.push(
                    problem
                        .says("this request has a name already")
                        .hint("leave out one of the two, or separate two requests by ###"),
                );
            }
        }
        known.push(annotation);
        LineKind::Annotation
    }

    fn after_request_line(&mut self, content: Span, text: &str) -> LineKind {
        let is_more = is_indented(text) || text.starts_with(['?', '&']);
        if !is_more || text.trim().is_empty() || comment(text).is_some() {
            if comment(text).is_none() {
                self.state = State::Headers;
            }
            return self.in_headers(content, text);
        }
        if let Some(request) = &mut self.request {
            let more = trimmed(&self.source.text, content);
            request.url.append(self.source, more, &mut self.problems);
        }
        LineKind::UrlContinuation
    }

    fn in_headers(&mut self, content: Span, text: &str) -> LineKind {
        if text.trim().is_empty() {
            self.state = State::Body;
            self.body_start = self.lines.len() + 1;
            return LineKind::Blank;
        }
        if comment(text).is_some() {
            return self.comment(content, text);
        }
        if let Some(kind) = self.script_or_response(&content, text) {
            self.state = State::After;
            return kind;
        }
        let more = trimmed(&self.source.text, content.clone());
        let request = self.request.as_mut();
        if is_indented(text)
            && let Some(header) = request.and_then(|request| request.headers.last_mut())
        {
            // With the last of the white space before it: a folded line stands for a space.
            let before = self.source.slice(&(content.start..more.start));
            let space = before.chars().next_back().map_or(0, char::len_utf8);
            let more = more.start - space..more.end;
            header.value.append(self.source, more, &mut self.problems);
            return LineKind::HeaderContinuation;
        }
        self.header(content, text)
    }

    fn header(&mut self, content: Span, text: &str) -> LineKind {
        let is_name = |name: &str| {
            let is_token =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            !name.is_empty() && name.bytes().all(is_token)
        };
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        if !is_name(name.trim()) || name.len() == text.len() {
            let problem = Diagnostic::new(self.source, trimmed(&self.source.text, content))
                .says("this is no header");
            let is_body = text.trim_start().starts_with(['{', '[', '<']);
            self.problems.push(if is_body {
                problem.hint("an empty line separates the body from the headers")
            } else if text.starts_with('@') {
                problem.hint("variables stand before the request line")
            } else {
                problem.hint("write Name: value; an empty line ends the headers")
            });
            if is_body {
                // The rest of it is no header, either; one message will do.
                self.state = State::Body;
                self.body_start = self.lines.len();
                return LineKind::Body;
            }
            return LineKind::Unknown;
        }
        let name_span = trimmed(&self.source.text, content.start..content.start + name.len());
        let value = trimmed(&self.source.text, content.end - value.len()..content.end);
        if let Some(request) = &mut self.request {
            request.headers.push(Header {
                name: Spanned::new(name.trim().to_owned(), name_span),
                value: Template::read(self.source, value, &mut self.problems),
            });
        }
        LineKind::Header
    }

    fn in_body(&mut self, content: Span, text: &str) -> LineKind {
        if let Some(kind) = self.script_or_response(&content, text) {
            self.end_body();
            self.state = State::After;
            return kind;
        }
        match text {
            _ if text.trim().is_empty() => LineKind::Blank,
            _ if comment(text).is_some() => LineKind::Comment,
            _ if body_file(text).is_some() => LineKind::BodyFile,
            _ => LineKind::Body,
        }
    }

    fn after_handler(&mut self, content: Span, text: &str) -> LineKind {
        if text.trim().is_empty() {
            return LineKind::Blank;
        }
        if comment(text).is_some() {
            return LineKind::Comment;
        }
        if let Some(kind) = self.script_or_response(&content, text) {
            return kind;
        }
        self.problems.push(
            Diagnostic::new(self.source, trimmed(&self.source.text, content))
                .says("nothing of a request can stand after its response handler")
                .hint("begin the next request with ###"),
        );
        self.state = State::Lost;
        LineKind::Unknown
    }

    fn script_or_response(&mut self, content: &Span, text: &str) -> Option<LineKind> {
        if opens_script(text) {
            let open = content.start + text.find("{%")?;
            self.script = Some(open..open + 2);
            self.close_script(&text[text.find("{%")? + 2..]);
            return Some(LineKind::Script);
        }
        if is_script_file(text) {
            return Some(LineKind::Script);
        }
        is_response(text).then_some(LineKind::Response)
    }

    fn close_script(&mut self, text: &str) {
        if text.contains("%}") {
            self.script = None;
        }
    }

    fn end_request(&mut self) {
        if let Some(open) = self.script.take() {
            self.problems.push(
                Diagnostic::new(self.source, open)
                    .says("this script is not closed")
                    .hint("close it with `%}`"),
            );
        }
        if self.state == State::Body {
            self.end_body();
        }
        if let Some(name) = (self.draft.annotations.iter()).find(|it| it.name.value == "name")
            && self.state == State::Head
        {
            self.problems.push(
                Diagnostic::new(self.source, name.name.span.clone())
                    .says("this names a request, but none follows")
                    .hint("write a request line below, such as GET https://example.com/"),
            );
        }
        self.draft = Draft::default();
        self.requests.extend(self.request.take());
        self.state = State::Head;
    }

    fn end_body(&mut self) {
        if let Some(request) = &mut self.request {
            let lines = &mut self.lines[self.body_start..];
            request.body = super::body::read(self.source, request, lines, &mut self.problems);
        }
    }
}
