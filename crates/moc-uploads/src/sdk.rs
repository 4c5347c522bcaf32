//! `moc-uploads sdk generate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use etcetera::BaseStrategy;
use moc_uploads_contract::{Changes, Error, Generated, generate};

use crate::commands::{CommandError, print};
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum SdkCommand {
    /// Make the TypeScript SDK of the .http files and of this server's routes
    Generate(GenerateArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
The .http files say which operations the SDK has, their names, documentation and examples; the types
are the server's own. Needs Node.js 20.19 or newer, with npm. The same input makes the same bytes; on
any error the folder stays as it was.

Example:
  moc-uploads sdk generate --http __http__ --out packages/sdk/upload-sessions")]
pub(crate) struct GenerateArgs {
    /// The folder of the .http files
    #[arg(long, value_name = "DIR")]
    http: PathBuf,
    /// The folder to write; it is replaced as a whole
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write nothing; fail, with a diff, when the folder is not what would be written
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    /// Where programs that run on Node.js are installed [default: the user's cache]
    #[arg(long, value_name = "DIR")]
    tools: Option<PathBuf>,
}

pub(crate) fn run(SdkCommand::Generate(args): &SdkCommand) -> Result<(), CommandError> {
    let made = make(args)?;
    let out = args.out.display();
    if made.changes().is_empty() {
        return print(&format!("{out} is up to date.\n"));
    }
    if args.check {
        print(&made.changes().to_string())?;
        return Err(stale(args));
    }
    if args.dry_run {
        return print(&made.changes().to_string());
    }
    let names = names(made.changes());
    made.put()
        .map_err(|error| Failure::new(format!("can't write {out}"), error))?;
    print(&format!("{names}{out} is written.\n"))
}

fn make(args: &GenerateArgs) -> Result<Generated, CommandError> {
    let document = moc_uploads_api::openapi();
    let document = serde_json::to_value(document)
        .map_err(|error| Failure::new("can't show the server's OpenAPI document", error))?;
    let tools = match &args.tools {
        Some(tools) => tools.clone(),
        None => etcetera::choose_base_strategy()
            .map_err(|error| {
                Failure::new("there is no place for tools; name one by --tools", error)
            })?
            .cache_dir()
            .join("moc-uploads")
            .join("sdk-tools"),
    };
    generate(&args.http, document, &args.out, &tools).map_err(|error| match error {
        Error::Contract(_) => CommandError::Told(error.to_string()),
        error => Failure::new("nothing was generated", error).into(),
    })
}

fn stale(args: &GenerateArgs) -> CommandError {
    let (http, out) = (args.http.display(), args.out.display());
    CommandError::Told(format!(
        "error: {out} is not what {http} and the server's routes make of it.\n\
         Run this and commit what it writes:\n    \
         cargo run -- sdk generate --http {http} --out {out}"
    ))
}

fn names(changes: &Changes) -> String {
    let text = changes.to_string();
    let lines = text.lines().take_while(|line| !line.is_empty());
    lines.map(|line| format!("{line}\n")).collect()
}
