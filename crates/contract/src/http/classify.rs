//! Lines, and what can be said of one without those around it.

use crate::source::Span;

/// Whole lines, their ends included; together they are the text.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Span> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        start..at
    })
}

/// A line without its end and without a byte order mark before it.
pub(super) fn content(text: &str, line: &Span) -> Span {
    let full = &text[line.clone()];
    let shown = full.strip_suffix('\n').unwrap_or(full);
    let shown = shown.strip_suffix('\r').unwrap_or(shown);
    let mark = match (line.start, shown.strip_prefix('\u{feff}')) {
        (0, Some(rest)) => shown.len() - rest.len(),
        _ => 0,
    };
    line.start + mark..line.start + shown.len()
}

/// A span without the white space at its ends.
pub(super) fn trimmed(text: &str, span: Span) -> Span {
    let inner = &text[span.clone()];
    let start = span.start + (inner.len() - inner.trim_start().len());
    start..(span.start + inner.trim_end().len()).max(start)
}

pub(super) fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

pub(super) fn is_separator(line: &str) -> bool {
    line.starts_with("###")
}

/// The text of a comment, without the marks before it.
pub(super) fn comment(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if line.starts_with('#') {
        return Some(line.trim_start_matches('#'));
    }
    line.strip_prefix("//")
}

/// `< path`, `<@ path`, `<@latin1 path`: what stands between `<` and the path, and the path.
pub(super) fn body_file(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix('<')?;
    let (mark, path) = rest.split_once([' ', '\t'])?;
    let is_mark = mark.is_empty() || mark.starts_with('@');
    (is_mark && !path.trim_start().starts_with("{%")).then(|| (mark, path.trim()))
}

/// `< {%` or `> {%`.
pub(super) fn opens_script(line: &str) -> bool {
    line.strip_prefix(['<', '>'])
        .is_some_and(|rest| rest.trim_start().starts_with("{%"))
}

/// `> ./handler.js`. Any other text after `>` may be a quotation in a body.
pub(super) fn is_script_file(line: &str) -> bool {
    const SCRIPTS: [&str; 3] = [".js", ".mjs", ".ts"];
    line.strip_prefix("> ").is_some_and(|path| {
        SCRIPTS
            .iter()
            .any(|ending| path.trim_end().ends_with(ending))
    })
}

/// `>> file`, `>>! file`, `<> file`.
pub(super) fn is_response(line: &str) -> bool {
    [">> ", ">>! ", "<> "]
        .iter()
        .any(|mark| line.starts_with(mark))
}
