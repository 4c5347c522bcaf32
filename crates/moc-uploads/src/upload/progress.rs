//! Telling how an upload goes: bars on a terminal, plain lines elsewhere, JSON for scripts.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

use super::args::UploadArgs;
use super::files::LocalFile;
use super::terminal::{escape, json_line};

/// What happens. With `--json` each is a line: `{"event": "file", "key": ..., "state": ...}`.
#[derive(Debug, Serialize)]
#[serde(
    tag = "event",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Event<'a> {
    /// Something to know.
    Notice {
        /// In words.
        message: &'a str,
    },
    /// The server has opened a session, or goes on with one.
    Session {
        /// Its id.
        session_id: &'a str,
        /// Of every part but the last.
        part_size_bytes: u64,
        /// Whether an earlier run began it.
        is_resumed: bool,
    },
    /// A file has come further.
    File {
        /// Its key.
        key: &'a str,
        /// How far it is.
        state: FileState,
        /// What the server has of it.
        bytes_received: u64,
        /// Of the file.
        size: u64,
    },
    /// A part has arrived.
    Part {
        /// The file's key.
        key: &'a str,
        /// From 1.
        part_number: u32,
        /// Of the part.
        size: u64,
    },
    /// A request failed and will be repeated.
    Retry {
        /// Which one.
        what: &'a str,
        /// Why it failed, fit for a terminal.
        reason: &'a str,
        /// Until then.
        wait_ms: u64,
    },
    /// All files are there; the MOC is being created.
    Finalizing,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FileState {
    /// Its SHA-256 is computed.
    Hashing,
    /// Its parts are sent.
    Uploading,
    /// All parts are there.
    Completing,
    /// The server has it whole.
    Completed,
}

impl FileState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Hashing => "hashing",
            Self::Uploading => "uploading",
            Self::Completing => "completing",
            Self::Completed => "done",
        }
    }
}

/// Listens to an upload.
pub(crate) trait Reporter: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event<'_>);

    /// Bytes of a file went out; negative when a part failed and has to be sent again.
    fn moved(&self, key: &str, bytes: i64) {
        let _ = (key, bytes);
    }

    /// Nothing follows but the result.
    fn finish(&self) {}
}

/// The reporter that the options ask for.
pub(crate) fn reporter(args: &UploadArgs, files: &[LocalFile]) -> Arc<dyn Reporter> {
    if args.json {
        Arc::new(Json)
    } else if args.quiet {
        Arc::new(Quiet)
    } else {
        let all = MultiProgress::new();
        // On a file, and on a terminal that can't draw them (TERM=dumb).
        if all.is_hidden() {
            Arc::new(Lines)
        } else {
            Arc::new(Bars::new(all, files))
        }
    }
}

/// Says nothing.
pub(crate) struct Quiet;

impl Reporter for Quiet {
    fn event(&self, _: &Event<'_>) {}
}

/// One JSON object per line on standard output.
struct Json;

impl Reporter for Json {
    fn event(&self, event: &Event<'_>) {
        // A reader that has gone away must not stop the upload.
        let _ = io::stdout().write_all(json_line(event).as_bytes());
    }
}

/// One line per change on standard error.
pub(crate) struct Lines;

impl Reporter for Lines {
    fn event(&self, event: &Event<'_>) {
        if let Some(line) = line(event) {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Notice { message } => escape(message),
        Event::Session {
            session_id,
            is_resumed,
            ..
        } => format!(
            "{} session {}",
            if *is_resumed { "resuming" } else { "opened" },
            escape(session_id)
        ),
        Event::File {
            key,
            state,
            bytes_received,
            size,
        } => match state {
            FileState::Uploading => {
                format!(
                    "{}: {} ({bytes_received} of {size} bytes are there)",
                    escape(key),
                    state.as_str()
                )
            }
            _ => format!("{}: {}", escape(key), state.as_str()),
        },
        Event::Part { .. } => return None,
        Event::Retry {
            what,
            reason,
            wait_ms,
        } => format!(
            "{}: {reason}; trying again in {:.1} s",
            escape(what),
            *wait_ms as f64 / 1000.0
        ),
        Event::Finalizing => "creating the MOC".to_owned(),
    })
}

/// A bar per file on standard error.
struct Bars {
    all: MultiProgress,
    files: HashMap<String, ProgressBar>,
}

impl Bars {
    fn new(all: MultiProgress, files: &[LocalFile]) -> Self {
        let width = files.iter().map(|file| file.key.chars().count()).max();
        let template = format!(
            "{{prefix:{}}} [{{wide_bar}}] {{percent:>3}}% {{binary_bytes}}/{{binary_total_bytes}} \
             {{binary_bytes_per_sec}} {{eta}} {{msg:10}}",
            width.unwrap_or(0).min(32)
        );
        let style = ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        let files = files
            .iter()
            .map(|file| {
                let bar = ProgressBar::new(file.size).with_style(style.clone());
                (
                    file.key.clone(),
                    all.add(bar.with_prefix(escape(&file.key)).with_message("waiting")),
                )
            })
            .collect();
        Self { all, files }
    }
}

impl Reporter for Bars {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::File {
                key,
                state,
                bytes_received,
                ..
            } => {
                let Some(bar) = self.files.get(*key) else {
                    return;
                };
                if *state == FileState::Uploading {
                    bar.set_position(*bytes_received);
                    bar.reset_eta();
                }
                match state {
                    FileState::Completed => {
                        bar.set_position(*bytes_received);
                        bar.finish_with_message(state.as_str());
                    }
                    _ => bar.set_message(state.as_str()),
                }
            }
            Event::Part { .. } | Event::Session { .. } => {}
            _ => {
                if let Some(line) = line(event) {
                    let _ = self.all.println(line);
                }
            }
        }
    }

    fn moved(&self, key: &str, bytes: i64) {
        if let Some(bar) = self.files.get(key) {
            if bytes < 0 {
                bar.dec(bytes.unsigned_abs());
            } else {
                bar.inc(bytes.unsigned_abs());
            }
        }
    }

    fn finish(&self) {
        for bar in self.files.values().filter(|bar| !bar.is_finished()) {
            bar.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_flat_json() {
        let event = Event::File {
            key: "castle.pdf",
            state: FileState::Completed,
            bytes_received: 7,
            size: 7,
        };
        assert_eq!(
            serde_json::to_value(&event).unwrap(),
            serde_json::json!({
                "event": "file", "key": "castle.pdf", "state": "completed",
                "bytesReceived": 7, "size": 7,
            })
        );
        assert_eq!(
            serde_json::to_value(Event::Finalizing).unwrap(),
            serde_json::json!({ "event": "finalizing" })
        );
    }
}
