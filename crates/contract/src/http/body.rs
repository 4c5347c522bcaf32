//! Bodies.

use super::classify::{body_file, content, trimmed};
use super::template::Template;
use super::{BodyPart, Line, LineKind, Request};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span, Spanned};

/// Tells text from the white space and the comments around it, and makes the body of what is left.
pub(super) fn read(
    source: &Source,
    request: &Request,
    lines: &mut [Line],
    problems: &mut Vec<Diagnostic>,
) -> Vec<BodyPart> {
    let is_json = request
        .header("content-type")
        .is_some_and(|header| source.slice(&header.value.span).contains("json"));
    let is_text = |line: &Line| matches!(line.kind, LineKind::Body | LineKind::BodyFile);
    let first = lines.iter().position(is_text);
    let last = lines.iter().rposition(is_text);
    let (Some(first), Some(last)) = (first, last) else {
        return Vec::new();
    };
    let mut parts = Parts::default();
    for line in &mut lines[first..=last] {
        match line.kind {
            // JSON has no comments, so tools take them out; elsewhere they may be what is sent.
            LineKind::Comment if is_json => parts.skip(),
            LineKind::BodyFile => parts.file(line.span.clone()),
            _ => {
                line.kind = LineKind::Body;
                parts.text(line.span.clone());
            }
        }
    }
    parts.finish(source, problems)
}

/// The lines of a body, those of a text joined.
#[derive(Default)]
struct Parts {
    parts: Vec<(bool, Span)>,
    is_broken: bool,
}

impl Parts {
    fn text(&mut self, line: Span) {
        match self.parts.last_mut() {
            Some((false, span)) if !self.is_broken => span.end = line.end,
            _ => self.parts.push((false, line)),
        }
        self.is_broken = false;
    }

    fn file(&mut self, line: Span) {
        self.parts.push((true, line));
    }

    const fn skip(&mut self) {
        self.is_broken = true;
    }

    fn finish(self, source: &Source, problems: &mut Vec<Diagnostic>) -> Vec<BodyPart> {
        let count = self.parts.len();
        let mut body = Vec::with_capacity(count);
        for (index, (is_file, span)) in self.parts.into_iter().enumerate() {
            if is_file {
                body.push(file(source, &content(&source.text, &span), problems));
                continue;
            }
            let mut span = span;
            if index + 1 == count {
                // The end of the last line is not sent.
                let text = source.slice(&span);
                let text = text.strip_suffix('\n').unwrap_or(text);
                let text = text.strip_suffix('\r').unwrap_or(text);
                span.end = span.start + text.len();
            }
            body.push(BodyPart::Text(Template::read(source, span, problems)));
        }
        body
    }
}

fn file(source: &Source, line: &Span, problems: &mut Vec<Diagnostic>) -> BodyPart {
    let (mark, path) = body_file(source.slice(line)).unwrap_or_default();
    let mark_start = line.start + 1;
    let path_span = trimmed(&source.text, mark_start + mark.len()..line.end);
    if path.is_empty() {
        problems.push(
            Diagnostic::new(source, line.clone())
                .says("this names no file")
                .hint("write < ./file; a body that begins with < has no space after it"),
        );
    }
    let encoding = mark.strip_prefix('@').filter(|name| !name.is_empty());
    BodyPart::File {
        path: Template::read(source, path_span, problems),
        has_variables: mark.starts_with('@'),
        encoding: encoding
            .map(|name| Spanned::new(name.to_owned(), mark_start + 1..mark_start + mark.len())),
    }
}
