//! Values of request bodies (CONTRACT sections 1.1, 1.3, 1.5, 1.6), all that are wrong at once.

use std::fmt::Display;

use moc_uploads_core::FieldError;

use crate::problem::Problem;

/// No request names more files, parts lists or the like than this.
pub(crate) const MAX_FILES: usize = 1000;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    pub(crate) fn push(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.0.push(FieldError::new(pointer, message));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_vec(self) -> Vec<FieldError> {
        self.0
    }

    /// `value`, unless something is wrong.
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, Problem> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Problem::validation(self.0))
        }
    }

    /// A member that must be there. `None` when it is not, and noted.
    pub(crate) fn required<T>(&mut self, pointer: impl Display, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.push(pointer.to_string(), "Missing, but required.");
        }
        value
    }

    /// A text of `min..=max` characters without control characters: PostgreSQL can't keep NUL, and
    /// the others have no place in names. `lines` lets line breaks and tabs in.
    pub(crate) fn text(&mut self, pointer: impl Display, text: &str, length: Length, lines: bool) {
        let count = text.chars().count();
        let Length(min, max) = length;
        if !(min..=max).contains(&count) {
            self.push(
                pointer.to_string(),
                format!("{count} characters; {min} to {max} are allowed."),
            );
        }
        let is_allowed = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t'));
        if let Some(control) = text.chars().find(|&c| !is_allowed(c)) {
            self.push(
                pointer.to_string(),
                format!("{control:?} is a control character; leave it out."),
            );
        }
    }
}

/// Least and most characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Length(pub(crate) usize, pub(crate) usize);

/// A MIME type without its parameters, in lower case; `None` when it is none (RFC 9110, 8.3.1).
pub(crate) fn mime_essence(text: &str) -> Option<String> {
    let essence = text.split(';').next()?.trim();
    let (main, sub) = essence.split_once('/')?;
    (is_token(main) && is_token(sub)).then(|| essence.to_ascii_lowercase())
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mime_types_lose_parameters_and_case() {
        assert_eq!(
            mime_essence("Text/CSV; charset=utf-8").as_deref(),
            Some("text/csv")
        );
        for wrong in [
            "", "pdf", "a/", "/b", "a/b/c", "a b/c", "é/b", "a\n/b", "a/b\0",
        ] {
            assert_eq!(mime_essence(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn characters_are_counted_not_bytes_and_controls_refused() {
        let errors = |text: &str, lines| {
            let mut errors = FieldErrors::default();
            errors.text("/a", text, Length(1, 3), lines);
            errors.into_vec().len()
        };
        assert_eq!(errors("ééé", false), 0);
        assert_eq!(errors("", false), 1);
        assert_eq!(errors("aaaa", false), 1);
        assert_eq!(errors("a\0", true), 1);
        assert_eq!(errors("a\n", false), 1);
        assert_eq!(errors("a\n", true), 0);
    }
}
