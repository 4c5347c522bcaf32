//! Which bytes of a file a request wants (RFC 9110, sections 13 and 14).

use std::ops::Range;

use http::HeaderMap;
use http::header::{IF_NONE_MATCH, IF_RANGE, RANGE};
use moc_uploads_core::Error;

/// What to answer with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selected {
    Whole,
    Part(Range<u64>),
}

/// Whether the client has this version already. `etag` is quoted. Weak tags match, too.
pub(super) fn is_not_modified(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().any(|value| {
        let text = value.to_str().unwrap_or_default().trim();
        text == "*"
            || text
                .split(',')
                .map(str::trim)
                .any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
    })
}

/// A single range within a file of `size_bytes` (> 0). Everything that we don't serve as a range
/// (several ranges, other units, what can't be read, another version) is the whole file.
pub(super) fn select(
    headers: &HeaderMap,
    etag: Option<&str>,
    size_bytes: u64,
) -> Result<Selected, Error> {
    let Some(range) = headers.get(RANGE).and_then(|value| value.to_str().ok()) else {
        return Ok(Selected::Whole);
    };
    // Only a strong tag that is ours; we have no dates to compare.
    let is_same_version = headers
        .get(IF_RANGE)
        .is_none_or(|value| etag.is_some_and(|etag| value.as_bytes() == etag.as_bytes()));
    match single_range(range) {
        Some(wanted) if is_same_version => wanted
            .within(size_bytes)
            .map(Selected::Part)
            .ok_or(Error::RangeNotSatisfiable { size_bytes }),
        _ => Ok(Selected::Whole),
    }
}

/// `bytes=2-4`, `bytes=2-` or `bytes=-3`.
enum Wanted {
    FromTo(u64, u64),
    Last(u64),
}

impl Wanted {
    /// `None` when the file has none of these bytes.
    fn within(self, size_bytes: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::FromTo(first, last) => first..last.saturating_add(1).min(size_bytes),
            Self::Last(count) => size_bytes.saturating_sub(count)..size_bytes,
        };
        (!range.is_empty()).then_some(range)
    }
}

/// `None` for what is no single range of bytes.
fn single_range(text: &str) -> Option<Wanted> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (first, last) {
        ("", count) => number(count).map(Wanted::Last),
        (first, "") => Some(Wanted::FromTo(number(first)?, u64::MAX)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Wanted::FromTo(first, last))
        }
    }
}

/// Digits only. What is too large for us is larger than any file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn of(range: &'static str) -> Result<Selected, u64> {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static(range));
        select(&headers, Some("\"e\""), 10).map_err(|error| match error {
            Error::RangeNotSatisfiable { size_bytes } => size_bytes,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn single_ranges_are_served() {
        for (range, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=9-99", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=0-99999999999999999999999", 0..10),
        ] {
            assert_eq!(of(range), Ok(Selected::Part(bytes)), "{range}");
        }
    }

    #[test]
    fn what_is_no_single_range_is_the_whole_file() {
        for range in [
            "bytes=0-1,3-4",
            "lines=1-2",
            "bytes=",
            "bytes=a-b",
            "bytes",
            "",
        ] {
            assert_eq!(of(range), Ok(Selected::Whole), "{range}");
        }
    }

    #[test]
    fn ranges_outside_are_refused() {
        for range in [
            "bytes=10-",
            "bytes=10-11",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(of(range), Err(10), "{range}");
        }
    }

    #[test]
    fn another_version_is_sent_whole() {
        for (if_range, is_part) in [("\"e\"", true), ("\"x\"", false), ("W/\"e\"", false)] {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-1"));
            headers.insert(IF_RANGE, HeaderValue::from_static(if_range));
            let selected = select(&headers, Some("\"e\""), 10).unwrap();
            assert_eq!(selected != Selected::Whole, is_part, "{if_range}");
        }
    }

    #[test]
    fn known_versions_are_recognised() {
        for (value, expected) in [
            ("\"e\"", true),
            ("\"x\", W/\"e\"", true),
            ("*", true),
            ("\"x\"", false),
            ("e", false),
            ("w/\"e\"", false),
            ("W/W/\"e\"", false),
            ("W/ \"e\"", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(value));
            assert_eq!(is_not_modified(&headers, "\"e\""), expected, "{value}");
        }
    }
}
