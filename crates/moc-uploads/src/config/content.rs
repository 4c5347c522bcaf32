//! What is done with the bytes beside keeping them.

use std::time::Duration;

use super::reader::Reader;

pub(super) struct ContentConfig {
    pub(super) verify_hash: bool,
    pub(super) redirects_content: bool,
    pub(super) orphan_age: Duration,
}

/// `keeps_files_on_disk`: or in a bucket.
pub(super) fn read(reader: &mut Reader<'_>, keeps_files_on_disk: bool) -> ContentConfig {
    const YEAR_HOURS: u64 = 366 * 24;
    let verify_hash = reader.parsed("VERIFY_HASH", "always", |text| {
        match text.to_ascii_lowercase().as_str() {
            "always" => Ok(true),
            "disk" => Ok(keeps_files_on_disk),
            "never" => Ok(false),
            _ => Err("must be always, disk or never".to_owned()),
        }
    });
    let redirects_content = reader.parsed("CONTENT_DELIVERY", "redirect", |text| {
        match text.to_ascii_lowercase().as_str() {
            "redirect" => Ok(true),
            "proxy" => Ok(false),
            _ => Err("must be redirect or proxy".to_owned()),
        }
    });
    let orphan_hours = reader.number("ORPHAN_UPLOAD_HOURS", 24, 1..=YEAR_HOURS);
    ContentConfig {
        verify_hash: verify_hash.unwrap_or(true),
        redirects_content: redirects_content.unwrap_or(true),
        orphan_age: Duration::from_secs(3600 * orphan_hours),
    }
}
