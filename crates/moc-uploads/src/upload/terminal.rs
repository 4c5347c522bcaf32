//! Keeping text of others (the server's words, file names) from steering the terminal.

use std::fmt::Write;

use serde::Serialize;

/// The text with everything that moves a cursor, changes colours or reorders what is read
/// written out: `\u{1b}` for an escape, `\n` for a line break.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_steering(c) {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// One line of JSON. The same characters are written as JSON's own escapes, so nothing is lost.
pub(crate) fn json_line(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    let mut line = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        // Such characters can only be inside of a string there.
        if is_steering(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(line, "\\u{unit:04x}");
            }
        } else {
            line.push(c);
        }
    }
    line.push('\n');
    line
}

/// Control characters, line and paragraph separators, and those that turn the direction.
fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NASTY: &str = "a\x1b[2J\u{9b}31m\r\n\x7f\u{202e}fdp 城 \\ é";

    #[test]
    fn nothing_steers_the_terminal() {
        let escaped = escape(NASTY);
        assert_eq!(escaped, r"a\u{1b}[2J\u{9b}31m\r\n\u{7f}\u{202e}fdp 城 \ é");
    }

    #[test]
    fn json_says_the_same_without_it() {
        let line = json_line(&NASTY);
        let (json, end) = line.split_at(line.len() - 1);
        assert_eq!(end, "\n");
        assert!(!json.contains(is_steering), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(json).unwrap(), NASTY);
    }
}
