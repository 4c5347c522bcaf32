//! Words for a shell.

use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use super::terminal::escape;

/// The word as it can be pasted into a shell, every byte of it, and printed on a terminal.
/// Bytes that are no text, and text that would steer the terminal, need `$'...'`, which all shells
/// of today know (POSIX.1-2024).
pub(crate) fn quoted(word: &OsStr) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.bytes().all(is_plain) => text.to_owned(),
        Some(text) if escape(text) == text => format!("'{}'", text.replace('\'', r"'\''")),
        _ => in_octal(word.as_bytes()),
    }
}

fn in_octal(bytes: &[u8]) -> String {
    let mut quoted = String::from("$'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => quoted.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => quoted.push(char::from(*byte)),
            // Of three digits, so that one that follows is none of it.
            _ => drop(write!(quoted, "\\{byte:03o}")),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive() {
        for (word, expected) in [
            (&b"a.pdf"[..], "a.pdf"),
            (b"", "''"),
            (b"my castle", "'my castle'"),
            (b"Bob's", r"'Bob'\''s'"),
            ("城.pdf".as_bytes(), "'城.pdf'"),
            (b"x\xff1's\\.pdf", r"$'x\3771\'s\\.pdf'"),
            (b"a\x1b[2J\nb", r"$'a\033[2J\012b'"),
        ] {
            assert_eq!(quoted(OsStr::from_bytes(word)), expected);
        }
    }
}
