//! `POST https://example.com/ HTTP/1.1`.

use super::classify::trimmed;
use super::template::Template;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span, Spanned};

/// HTTP's own, those of WebDAV and caches, and what JetBrains' client calls methods.
const METHODS: [&str; 23] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "QUERY",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "PURGE",
    "GRAPHQL",
    "WEBSOCKET",
    "GRPC",
];

pub(super) struct RequestLine {
    pub(super) method: Spanned<String>,
    pub(super) url: Template,
    pub(super) version: Option<Spanned<String>>,
}

/// Reads a line that is none of the other things that stand before a request. `None`, with a
/// problem told, for one that is no request line either.
pub(super) fn read(
    source: &Source,
    content: &Span,
    problems: &mut Vec<Diagnostic>,
) -> Option<RequestLine> {
    let line = trimmed(&source.text, content.clone());
    let text = source.slice(&line);
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let word_span = line.start..line.start + word.len();
    let is_word = word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let capitals = word.to_ascii_uppercase();
    let is_before_url = rest
        .split_ascii_whitespace()
        .next()
        .is_some_and(looks_like_url);
    if is_word && (is_before_url || METHODS.contains(&capitals.as_str())) {
        let method = method(source, word, word_span.clone(), problems);
        let after = trimmed(&source.text, word_span.end..line.end);
        if after.is_empty() {
            problems.push(
                Diagnostic::new(source, word_span)
                    .says("this request has no URL")
                    .hint(format!(
                        "write it after the method: {word} https://example.com/"
                    )),
            );
        }
        return Some(with_version(source, method, after, problems));
    }
    if looks_like_url(word) {
        let implied = Spanned::new("GET".to_owned(), line.start..line.start);
        return Some(with_version(source, implied, line, problems));
    }
    problems.push(no_request_line(source, line, text));
    None
}

fn method(
    source: &Source,
    word: &str,
    span: Span,
    problems: &mut Vec<Diagnostic>,
) -> Spanned<String> {
    let capitals = word.to_ascii_uppercase();
    if !METHODS.contains(&word) {
        let problem =
            Diagnostic::new(source, span.clone()).says(format!("`{word}` is no HTTP method"));
        problems.push(if METHODS.contains(&capitals.as_str()) {
            problem.hint(format!("methods are written in capitals: {capitals}"))
        } else {
            problem.suggest(&capitals, METHODS)
        });
    }
    Spanned::new(capitals, span)
}

fn with_version(
    source: &Source,
    method: Spanned<String>,
    rest: Span,
    problems: &mut Vec<Diagnostic>,
) -> RequestLine {
    let text = source.slice(&rest);
    let last_word = text.rfind([' ', '\t']).map_or(0, |at| at + 1);
    let word = &text[last_word..];
    let is_version = last_word > 0 && word.starts_with("HTTP/");
    let url_end = rest.start + if is_version { last_word } else { text.len() };
    let version = is_version.then(|| {
        let span = rest.start + last_word..rest.end;
        if !matches!(
            word,
            "HTTP/1.0" | "HTTP/1.1" | "HTTP/2" | "HTTP/2.0" | "HTTP/3"
        ) {
            problems.push(
                Diagnostic::new(source, span.clone())
                    .says(format!("`{word}` is no version of HTTP"))
                    .hint("write HTTP/1.1 or HTTP/2, or leave it out"),
            );
        }
        Spanned::new(word.to_owned(), span)
    });
    let url = trimmed(&source.text, rest.start..url_end);
    RequestLine {
        method,
        url: Template::read(source, url, problems),
        version,
    }
}

/// Of a line's first word, when no method stands before it.
fn looks_like_url(word: &str) -> bool {
    let is_host = |word: &str| {
        let host = word.split(['/', '?']).next().unwrap_or_default();
        !host.ends_with(':') && (host.contains(['.', ':']) || host == "localhost")
    };
    word.starts_with('/')
        || word.starts_with("{{")
        || word.contains("://")
        || (word.starts_with(|letter: char| letter.is_ascii_alphanumeric()) && is_host(word))
}

fn no_request_line(source: &Source, line: Span, text: &str) -> Diagnostic {
    let problem = Diagnostic::new(source, line);
    if text.starts_with(['{', '[', '<']) {
        return problem
            .says("this looks like a body, but no request line stands before it")
            .hint("begin with a request line such as POST https://example.com/, then headers, then an empty line, then the body");
    }
    if text
        .split_once(':')
        .is_some_and(|(name, _)| !name.contains(' '))
    {
        return problem
            .says("this looks like a header, but no request line stands before it")
            .hint("begin with a request line such as GET https://example.com/");
    }
    problem
        .says("this is no request line")
        .hint("write METHOD URL, or begin the line with # to make it a comment")
}
