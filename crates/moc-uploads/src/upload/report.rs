//! The last words: the MOC, or what went wrong and how to go on.

use std::io::{self, Write};

use serde::Serialize;

use super::api::Moc;
use super::error::{Error, Problem};
use super::session::UploadedFile;

/// The last line of `--json`.
#[derive(Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum Last<'a> {
    Finished {
        moc: &'a Moc,
        files: &'a [UploadedFile],
    },
    Failed {
        exit_status: u8,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<&'a Problem>,
        #[serde(skip_serializing_if = "Option::is_none")]
        advice: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resume_command: Option<String>,
    },
}

/// The MOC, on standard output.
pub(crate) fn success(moc: &Moc, files: &[UploadedFile], is_json: bool) {
    if is_json {
        return print_json(&Last::Finished { moc, files });
    }
    let mut text = format!("{}\n  id    {}\n  slug  {}\n", moc.title, moc.id, moc.slug);
    let width = files.iter().map(|file| file.key.chars().count()).max();
    for file in files {
        text += &format!(
            "  {:width$}  {}\n",
            file.key,
            file.url,
            width = width.unwrap_or(0)
        );
    }
    let _ = io::stdout().write_all(text.as_bytes());
}

/// What went wrong: on standard error, and on standard output for scripts. `resume_command` is
/// given when it would go on.
pub(crate) fn failure(error: &Error, resume_command: Option<String>, is_json: bool) {
    let mut text = format!("error: {error}\n");
    let advice = error.advice();
    if let Some(advice) = &advice {
        text += &format!("{advice}\n");
    }
    if let Some(command) = &resume_command {
        text += &format!("To go on where it was:\n  {command}\n");
    }
    let _ = io::stderr().write_all(text.as_bytes());
    if is_json {
        print_json(&Last::Failed {
            exit_status: error.exit_status(),
            message: error.to_string(),
            problem: match error {
                Error::Refused(problem) => Some(problem),
                _ => None,
            },
            advice,
            resume_command,
        });
    }
}

fn print_json(last: &Last<'_>) {
    let line = serde_json::to_string(last).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{line}");
}

/// The command that was run, with `--resume`, to be pasted into a shell. The token is left out.
pub(crate) fn resume_command(args: impl Iterator<Item = String>) -> String {
    let mut words = Vec::new();
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        if arg == "--token" {
            args.next();
        } else if !arg.starts_with("--token=") && arg != "--resume" {
            words.push(quoted(&arg));
        }
    }
    // Before the files, where nothing is taken for one.
    let at = words.iter().position(|word| word == "upload");
    words.insert(at.map_or(words.len(), |at| at + 1), "--resume".to_owned());
    words.join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str]) -> String {
        resume_command(args.iter().map(|arg| (*arg).to_owned()))
    }

    #[test]
    fn the_command_can_be_pasted_and_holds_no_token() {
        assert_eq!(
            command(&[
                "moc-uploads",
                "upload",
                "--token",
                "secret",
                "--token=secret",
                "my castle.pdf",
                "--title",
                "Bob's",
            ]),
            r"moc-uploads upload --resume 'my castle.pdf' --title 'Bob'\''s'"
        );
        assert_eq!(
            command(&["m", "upload", "a.pdf", "--resume"]),
            "m upload --resume a.pdf"
        );
    }
}
