//! The last words: the MOC, or what went wrong and how to go on.

use std::ffi::OsString;
use std::io::{self, Write};

use serde::Serialize;

use super::error::{Error, Problem};
use super::session::UploadedFile;
use super::shell::quoted;
use super::terminal::{escape, json_line};
use super::wire::Moc;

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
///
/// # Errors
/// [`Error::Unwritten`]: who reads it must not take it for said.
pub(crate) fn success(moc: &Moc, files: &[UploadedFile], is_json: bool) -> Result<(), Error> {
    let text = if is_json {
        json_line(&Last::Finished { moc, files })
    } else {
        summary(moc, files)
    };
    print(&text).map_err(|cause| Error::Unwritten {
        slug: moc.slug.clone(),
        cause,
    })
}

fn summary(moc: &Moc, files: &[UploadedFile]) -> String {
    let (title, id, slug) = (escape(&moc.title), escape(&moc.id), escape(&moc.slug));
    let mut text = format!("{title}\n  id    {id}\n  slug  {slug}\n");
    let keys: Vec<String> = files.iter().map(|file| escape(&file.key)).collect();
    let width = keys.iter().map(|key| key.chars().count()).max();
    for (key, file) in keys.iter().zip(files) {
        text += &format!(
            "  {key:width$}  {}\n",
            escape(&file.url),
            width = width.unwrap_or(0)
        );
    }
    text
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
        let last = Last::Failed {
            exit_status: error.exit_status(),
            message: error.to_string(),
            problem: match error {
                Error::Refused(problem) => Some(problem),
                _ => None,
            },
            advice,
            resume_command,
        };
        // The exit status says it as well.
        let _ = print(&json_line(&last));
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// The command that was run, with `--resume`, to be pasted into a shell, and with another title where
/// there is one. The token is left out.
pub(crate) fn resume_command(
    mut args: impl Iterator<Item = OsString>,
    title: Option<&str>,
) -> String {
    let mut words = Vec::new();
    while let Some(arg) = args.next() {
        let is_title = arg.as_encoded_bytes().starts_with(b"--title=");
        if let Some(title) = title.filter(|_| is_title || arg == "--title") {
            if !is_title {
                args.next();
            }
            words.extend(["--title".to_owned(), quoted(title.as_ref())]);
        } else if arg == "--" {
            // Files are all that follows.
            words.push(quoted(&arg));
            words.extend(args.by_ref().map(|file| quoted(&file)));
        } else if arg == "--token" {
            args.next();
        } else if !arg.as_encoded_bytes().starts_with(b"--token=") && arg != "--resume" {
            words.push(quoted(&arg));
        }
    }
    // Before the files, where nothing is taken for one.
    let at = words.iter().position(|word| word == "upload");
    words.insert(at.map_or(words.len(), |at| at + 1), "--resume".to_owned());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(args: &[&str]) -> String {
        resume_command(args.iter().map(OsString::from), None)
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
        assert_eq!(
            command(&["m", "upload", "--title", "T", "--", "--token", "a.pdf"]),
            "m upload --resume --title T -- --token a.pdf"
        );
        for taken in [
            &["m", "upload", "a", "--title", "T"][..],
            &["m", "upload", "a", "--title=T"],
        ] {
            let args = taken.iter().map(OsString::from);
            assert_eq!(
                resume_command(args, Some("T 1")),
                "m upload --resume a --title 'T 1'"
            );
        }
    }
}
