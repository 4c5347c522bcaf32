//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use moc_uploads_api::auth::is_subject;

use crate::report::AnalyticsArgs;
use crate::sdk::SdkCommand;
use crate::upload::UploadArgs;

const EXAMPLES: &str = "\
Examples:
  Start the server; nothing needs to be configured:
      moc-uploads

  Upload a MOC to it, from a second terminal:
      moc-uploads upload castle.pdf front.jpg parts.csv --title \"Castle\"

  Ask callers for tokens, and make one:
      export AUTH_JWT_SECRET=$(openssl rand -base64 48)
      moc-uploads serve
      moc-uploads token --sub alice --role admin --expires-in 1h

  See which settings are in force and where they come from:
      PORT=8080 moc-uploads config

Settings are environment variables; `moc-uploads config` lists them all.
With none, the server listens on http://127.0.0.1:3000, keeps its data in ./data,
and takes every request as a development user. It refuses to do the latter on any
address but loopback.

Exit status: 0 done; 1 failed at run time; 2 wrong usage or configuration.
`upload` tells more kinds of failure apart, see its own help.";

/// Resumable upload sessions for MOC instructions: the server and its upload client.
///
/// A session takes an instruction (PDF), images and parts lists, in parts that can be sent again
/// after a break, and ends with the MOC record.
#[derive(Debug, Parser)]
#[command(name = "moc-uploads", version, after_help = EXAMPLES, max_term_width = 100)]
pub(crate) struct Cli {
    /// `serve` when there is none.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Take requests (the default)
    Serve(ServeArgs),
    /// Upload files and create a MOC
    Upload(UploadArgs),
    /// Show how many sessions succeed, how long files take, and why sessions fail
    Analytics(AnalyticsArgs),
    /// Bring the database schema up to date, then end
    Migrate,
    /// Load the example rows; safe to repeat, refused in production
    Seed,
    /// Print a token that the server takes (AUTH_JWT_SECRET)
    Token(TokenArgs),
    /// Print the settings in force and where each comes from; secrets are masked
    Config(ConfigArgs),
    /// Try the settings against the real database, bucket and token keys, and say what to do
    Doctor(DoctorArgs),
    /// The TypeScript SDK
    #[command(subcommand)]
    Sdk(SdkCommand),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  moc-uploads completions bash > ~/.local/share/bash-completion/completions/moc-uploads"
    )]
    Completions {
        /// For which shell
        shell: Shell,
    },
}

#[derive(Debug, Default, Args)]
#[command(after_help = "\
After SIGTERM or Ctrl-C running requests are answered (for up to SHUTDOWN_GRACE_SECONDS), then the
server ends with status 0. A second signal ends it at once.")]
pub(crate) struct ServeArgs {
    /// Leave the database schema as it is (see `migrate`)
    #[arg(long)]
    pub(crate) no_migrate: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The claims `iss` and `aud` are those of AUTH_ISSUER and AUTH_AUDIENCE, where set.

Example:
  curl -H \"Authorization: Bearer $(moc-uploads token --sub alice)\" \\
      http://127.0.0.1:3000/api/mocs/uploads/sessions")]
pub(crate) struct TokenArgs {
    /// The user
    #[arg(long, value_parser = parse_sub)]
    pub(crate) sub: String,
    /// A role of the user; may be given more than once
    #[arg(long = "role")]
    pub(crate) roles: Vec<String>,
    /// How long it is good: a number with s, m, h or d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub(crate) expires_in: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing that lasts is changed, so it may run beside a server. A line for each check: ok, warning, or
WRONG with what to do about it. Exit status: 0 nothing is wrong; 1 something is; 2 the settings
themselves can't be right.

Example:
  DATABASE_URL=postgres://moc@db/moc moc-uploads doctor")]
pub(crate) struct DoctorArgs {
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn parse_sub(text: &str) -> Result<String, String> {
    if is_subject(text) {
        Ok(text.to_owned())
    } else {
        Err("1 to 255 characters are needed, none of them a control character".to_owned())
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let advice = || "a number with s, m, h or d is needed, like 90s, 15m, 1h or 7d".to_owned();
    let number_len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(number_len);
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(advice()),
    };
    number
        .parse::<u64>()
        .ok()
        .filter(|number| *number > 0)
        .and_then(|number| number.checked_mul(unit_seconds))
        .filter(|seconds| *seconds <= 366 * 24 * 60 * 60)
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{}, and at most 366d", advice()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h", 3600), ("7d", 604_800)] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)));
        }
        for wrong in [
            "",
            "1",
            "h",
            "0s",
            "-1h",
            "1.5h",
            "1w",
            "367d",
            "99999999999999999999d",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong:?}");
        }
    }
}
