//! Comments, annotations and variables.

use super::classify::trimmed;
use super::template::{Template, is_variable_name};
use super::{Annotation, Variable};
use crate::diagnostic::Diagnostic;
use crate::source::{Source, Span, Spanned};

/// Reads `# @name value` from the text of a comment, which begins at `start`.
pub(super) fn annotation(source: &Source, text: Span) -> Option<Annotation> {
    let text = trimmed(&source.text, text);
    let rest = source.slice(&text).strip_prefix('@')?;
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    let length = rest.find(|letter| !is_letter(letter)).unwrap_or(rest.len());
    let name_start = text.start + 1;
    let name = name_start..name_start + length;
    let after = &rest[length..];
    // `@name@example.com` in a comment is no annotation.
    if length == 0 || !(after.is_empty() || after.starts_with([' ', '\t', '='])) {
        return None;
    }
    let mut value = trimmed(&source.text, name.end..text.end);
    if source.slice(&value).starts_with('=') {
        value = trimmed(&source.text, value.start + 1..value.end);
    }
    let spanned = |span: Span| Spanned::new(source.slice(&span).to_owned(), span);
    Some(Annotation {
        name: spanned(name),
        value: (!value.is_empty()).then(|| spanned(value)),
    })
}

/// Reads `@name = value`.
pub(super) fn variable(
    source: &Source,
    content: Span,
    problems: &mut Vec<Diagnostic>,
) -> Option<Variable> {
    let line = trimmed(&source.text, content);
    let text = source.slice(&line);
    let Some(equals) = text.find('=') else {
        problems.push(
            Diagnostic::new(source, line)
                .says("a variable needs a value")
                .hint("write @name = value; an annotation of a request begins with #, as in # @name getUser"),
        );
        return None;
    };
    let name = trimmed(&source.text, line.start + 1..line.start + equals);
    let value = trimmed(&source.text, line.start + equals + 1..line.end);
    let text = source.slice(&name);
    if !is_variable_name(text) {
        problems.push(
            Diagnostic::new(source, line.start..line.start + equals)
                .says(match text {
                    "" => "this variable has no name".to_owned(),
                    _ => format!("`{text}` can't be the name of a variable"),
                })
                .hint("names have letters, digits, `_`, `-` and `.`"),
        );
        return None;
    }
    Some(Variable {
        name: Spanned::new(text.to_owned(), name),
        value: Template::read(source, value, problems),
    })
}
