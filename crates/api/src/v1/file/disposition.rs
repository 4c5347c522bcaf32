//! `Content-Disposition` (RFC 6266, RFC 8187).

use std::fmt::Write;

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but RFC 8187's `attr-char`.
const EXTENDED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// To be saved under this name, never shown in place.
pub(super) fn attachment(name: &str) -> HeaderValue {
    let mut text = "attachment; filename=\"".to_owned();
    text.extend(name.chars().map(|c| match c {
        '"' | '\\' | '/' | '%' => '_',
        ' '..='~' => c,
        _ => '_',
    }));
    text.push('"');
    // Writing to a string never fails.
    let _ = write!(
        text,
        "; filename*=UTF-8''{}",
        utf8_percent_encode(name, EXTENDED)
    );
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_not_break_out() {
        assert_eq!(
            attachment("a\"; b=\"\r\nX: 1.pdf"),
            "attachment; filename=\"a_; b=___X: 1.pdf\"; filename*=UTF-8''a%22%3B%20b%3D%22%0D%0AX%3A%201.pdf"
        );
        assert_eq!(
            attachment("Château.pdf"),
            "attachment; filename=\"Ch_teau.pdf\"; filename*=UTF-8''Ch%C3%A2teau.pdf"
        );
    }
}
