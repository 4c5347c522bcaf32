//! Parts and their ETags.

use std::fmt;

use serde::Serialize;

use crate::time::Timestamp;

/// An entity tag without its quotes: hex digits and dashes, as stores make them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ETag(String);

impl ETag {
    /// From a client or a store, with or without quotes (CONTRACT section 1.4).
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(text);
        Self(text.to_owned())
    }

    /// The tag without quotes, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ETag {
    /// Quoted as in HTTP.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl Serialize for ETag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A part that has arrived and is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub part_number: u32,
    /// What the store calls these bytes.
    pub etag: ETag,
    /// Bytes.
    pub size_bytes: u64,
    /// When it was recorded last.
    pub uploaded_at: Timestamp,
}

/// A part as a client names it when it completes a file (CONTRACT section 1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartReceipt {
    /// From 1.
    pub part_number: u32,
    /// What the upload of the part answered.
    pub etag: ETag,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_optional_on_the_way_in_and_there_on_the_way_out() {
        assert_eq!(ETag::parse("\"ab-1\""), ETag::parse(" ab-1 "));
        assert_eq!(ETag::parse("ab-1").to_string(), "\"ab-1\"");
    }
}
