//! A range as UTC days.

use moc_uploads_core::time::Timestamp;

/// A day, or as much of it as is in the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    /// Inclusive.
    pub(super) from: Timestamp,
    /// Exclusive.
    pub(super) to: Timestamp,
}

/// In order.
pub(super) fn of(from: Timestamp, to: Timestamp) -> Vec<Day> {
    let starts = std::iter::successors(Some(from), |start| Some(start.next_utc_midnight()));
    starts
        .take_while(|start| *start < to)
        .map(|start| Day {
            from: start,
            to: start.next_utc_midnight().min(to),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_and_end_with_the_range() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, to) = (at("2026-01-30T12:00:00Z"), at("2026-02-01T00:00:01Z"));
        let days = of(from, to);
        let midnights = [at("2026-01-31T00:00:00Z"), at("2026-02-01T00:00:00Z")];
        let bounds: Vec<_> = days.iter().map(|day| (day.from, day.to)).collect();
        assert_eq!(
            bounds,
            [
                (from, midnights[0]),
                (midnights[0], midnights[1]),
                (midnights[1], to)
            ]
        );
    }
}
