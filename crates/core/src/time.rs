//! Instants and where they come from.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

/// An instant with millisecond resolution, always UTC.
///
/// Written as RFC 3339 with milliseconds, `2026-01-25T12:00:00.000Z` (CONTRACT, head).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_unix_ms(unix_ms: i64) -> Self {
        Self(unix_ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// The instant of `at`, cut to milliseconds.
    pub fn from_datetime(at: OffsetDateTime) -> Self {
        Self((at.unix_timestamp_nanos() / 1_000_000) as i64)
    }

    /// An RFC 3339 time, cut to milliseconds, or a date, `2026-01-25`, which is its first instant in
    /// UTC.
    pub fn from_date_or_time(text: &str) -> Option<Self> {
        // A year may have a sign in dates, but not in those of RFC 3339.
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        match Date::parse(text, format_description!("[year]-[month]-[day]")) {
            Ok(date) => Some(Self::from_datetime(date.midnight().assume_utc())),
            Err(_) => text.parse().ok(),
        }
    }

    /// The same instant as a date and time in UTC.
    pub fn to_datetime(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// The UTC date, `2026-01-25`: the day that the daily limit counts (CONTRACT section 5).
    pub fn utc_day(self) -> String {
        self.to_datetime()
            .format(format_description!("[year]-[month]-[day]"))
            .unwrap_or_default()
    }

    /// The first instant of the next UTC day.
    pub fn next_utc_midnight(self) -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self((self.0.div_euclid(DAY_MS) + 1) * DAY_MS)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self
            .to_datetime()
            .format(format_description!(
                "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
            ))
            .map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

/// A text that is no RFC 3339 time of the years 0 to 9999, as they are in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time like 2026-01-25T12:00:00Z")]
pub struct NoTime;

impl FromStr for Timestamp {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| NoTime)?;
        let at = at.checked_to_offset(UtcOffset::UTC).ok_or(NoTime)?;
        let can_be_written = (0..=9999).contains(&at.year());
        can_be_written
            .then(|| Self::from_datetime(at))
            .ok_or(NoTime)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the current time comes from; tests move it by hand.
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the domain reads the time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from_datetime(OffsetDateTime::now_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_with_milliseconds_and_read_back() {
        let at: Timestamp = "2026-01-25T13:00:00.1239+01:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-01-25T12:00:00.123Z");
        assert_eq!(at.to_string().parse::<Timestamp>().unwrap(), at);
    }

    #[test]
    fn what_can_not_be_written_is_not_read() {
        for at in ["0000-01-01", "9999-12-31", "9999-12-31T23:59:59.999Z"] {
            let read = Timestamp::from_date_or_time(at).unwrap().to_string();
            assert!(read.starts_with(at.trim_end_matches('Z')), "{read}");
        }
        for at in [
            "9999-12-31T23:59:59-01:00",
            "0000-01-01T00:00:00+01:00",
            "-0001-01-01",
            "-9999-01-01",
            "+2026-01-01",
            "10000-01-01",
            "",
        ] {
            assert_eq!(Timestamp::from_date_or_time(at), None, "{at}");
        }
    }

    #[test]
    fn the_next_midnight_is_after_midnight_itself() {
        let midnight: Timestamp = "2026-01-25T00:00:00Z".parse().unwrap();
        assert_eq!(
            midnight.next_utc_midnight().to_string(),
            "2026-01-26T00:00:00.000Z"
        );
        assert_eq!(midnight.utc_day(), "2026-01-25");
    }
}
