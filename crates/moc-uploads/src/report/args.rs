//! The command line of `moc-uploads analytics`.

use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use moc_uploads_core::time::Timestamp;

use crate::upload::Error;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const DEFAULT_DAYS: u32 = 30;
const MAX_DAYS: u64 = 366;

const AFTER_HELP: &str = "\
Times are dates like 2026-01-25, which begin at midnight UTC, or like 2026-01-25T12:00:00Z.
Without --from the last 30 days are shown; the range has at most 366.

Examples:
  moc-uploads analytics
  moc-uploads analytics --from 2026-01-01 --to 2026-02-01 --user 'auth0|alice'
  moc-uploads analytics --csv > days.csv
  moc-uploads analytics --json | jq .metrics.commonFailurePoints

What each number means exactly is in docs/analytics.md.

Exit status: 0 done; 1 the result could not be written; 2 wrong usage; 3 the server refused;
4 no token, or not one of an admin; 5 the server can't be reached.";

/// What `moc-uploads analytics` takes.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct AnalyticsArgs {
    /// From this time on
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) from: Option<Timestamp>,

    /// Before this time [default: the end of today]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) to: Option<Timestamp>,

    /// Only sessions of this user
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) user: Option<String>,

    /// Where the server is
    #[arg(
        long,
        value_name = "URL",
        env = "MOC_UPLOADS_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:3000"
    )]
    pub(crate) server: String,

    /// The bearer token of an admin; a development server needs none. Better given in the
    /// environment, where other users of the machine can't read it
    #[arg(long, env = "MOC_UPLOADS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,

    /// Write the metrics as JSON, those of each day among them
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,

    /// Write a line for each day
    #[arg(long)]
    pub(crate) csv: bool,
}

impl AnalyticsArgs {
    /// From, inclusive, and to, exclusive.
    ///
    /// # Errors
    /// [`Error::Usage`] for a range that is empty or too long.
    pub(crate) fn range(&self, now: Timestamp) -> Result<(Timestamp, Timestamp), Error> {
        let to = self.to.unwrap_or_else(|| now.next_utc_midnight());
        let from = self.from.unwrap_or_else(|| to - DEFAULT_DAYS * DAY);
        let problem = if from >= to {
            format!("--from is {from}, which is not before --to, {to}.")
        } else if to.since(from).as_secs() > MAX_DAYS * DAY.as_secs() {
            format!("From {from} to {to} are more than {MAX_DAYS} days.")
        } else {
            return Ok((from, to));
        };
        Err(Error::Usage(vec![problem]))
    }
}

fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_date_or_time(text)
        .ok_or_else(|| "a date like 2026-01-25 or a time like 2026-01-25T12:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        analytics: AnalyticsArgs,
    }

    fn range(args: &[&str]) -> Result<(String, String), Error> {
        let cli = Cli::try_parse_from([&["analytics"], args].concat()).unwrap();
        let now = "2026-01-25T12:00:00Z".parse().unwrap();
        let range = cli.analytics.range(now);
        range.map(|(from, to)| (from.to_string(), to.to_string()))
    }

    #[test]
    fn the_last_thirty_days_unless_said_otherwise() {
        let text = |(from, to): (&str, &str)| (format!("{from}:00.000Z"), format!("{to}:00.000Z"));
        assert_eq!(
            range(&[]).unwrap(),
            text(("2025-12-27T00:00", "2026-01-26T00:00"))
        );
        assert_eq!(
            range(&["--from", "2026-01-01", "--to", "2026-01-02T13:30:00+01:00"]).unwrap(),
            text(("2026-01-01T00:00", "2026-01-02T12:30"))
        );
        for wrong in [
            ["--from", "2026-01-26", "--to", "2026-01-26"],
            ["--from", "2024-01-01", "--to", "2026-01-01"],
        ] {
            assert!(matches!(range(&wrong), Err(Error::Usage(_))), "{wrong:?}");
        }
    }
}
