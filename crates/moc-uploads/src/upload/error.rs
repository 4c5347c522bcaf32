//! What stops an upload, what to do about it, and the exit status it gives.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::terminal::escape;

/// The longest wait that is sat out: a daily limit is not.
const MAX_WAIT: Duration = Duration::from_secs(120);

const CHECK_SERVER: &str = "Check --server: it is the URL that the server is reached at.";

/// Why an upload stopped. As text it is fit for a terminal, whatever the server said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Arguments or files that can't be right, one sentence each.
    #[error("{}", .0.iter().map(|problem| escape(problem)).collect::<Vec<_>>().join("\n"))]
    Usage(Vec<String>),
    /// The server said no.
    #[error("{}", .0.describe())]
    Refused(Box<Problem>),
    /// The server can't be reached, or the connection broke.
    #[error("no answer from {server}: {}", escape(cause))]
    Network {
        /// Where it was looked for.
        server: String,
        /// The innermost reason.
        cause: String,
        /// Trying again can't help: a certificate that is not trusted, a URL that is none.
        is_permanent: bool,
    },
    /// A request made no progress.
    #[error("nothing moved for {} seconds", .0.as_secs())]
    Stalled(Duration),
    /// An answer that is not this API's.
    #[error("the answer is not that of an upload server: {}", escape(.0))]
    Unexpected(String),
    /// Everything went well, but standard output did not take the result.
    #[error(
        "the MOC {} was created, but the result can't be written: {cause}",
        escape(slug)
    )]
    Unwritten {
        /// Of the MOC.
        slug: String,
        /// The disk is full, the reader has gone.
        cause: io::Error,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
}

/// A problem document (CONTRACT section 2).
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Problem {
    /// HTTP status.
    pub(crate) status: u16,
    /// One of CONTRACT section 2, or `HTTP_<status>` when something in between answered.
    pub(crate) code: String,
    /// In words.
    pub(crate) detail: String,
    /// Names the request in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) correlation_id: Option<String>,
    /// When the daily limit ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_allowed_at: Option<String>,
    /// A free slug, for a title that is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggested_slug: Option<String>,
    /// Files that the user has already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) duplicates: Vec<Duplicate>,
    /// Fields that can't be right.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldError>,
    /// From the header.
    #[serde(skip)]
    pub(crate) retry_after: Option<Duration>,
}

/// A file that the user has already.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Duplicate {
    /// The file's key.
    pub(crate) key: String,
    /// Where the earlier one is.
    pub(crate) existing_url: String,
}

/// A field that can't be right.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct FieldError {
    /// JSON pointer into the request.
    pub(crate) pointer: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

impl Problem {
    fn describe(&self) -> String {
        let (detail, code) = (escape(&self.detail), escape(&self.code));
        let mut text = format!("{detail} ({} {code})", self.status);
        for error in &self.errors {
            let (pointer, message) = (escape(&error.pointer), escape(&error.message));
            text += &format!("\n  {pointer}: {message}");
        }
        for duplicate in &self.duplicates {
            let (key, url) = (escape(&duplicate.key), escape(&duplicate.existing_url));
            text += &format!("\n  {key} is {url}");
        }
        if let Some(id) = &self.correlation_id {
            text += &format!("\n  correlation id {}", escape(id));
        }
        text
    }

    fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }
}

impl Error {
    /// From the HTTP client, with the innermost cause: the outer ones only repeat the URL.
    pub(crate) fn network(server: &str, error: &reqwest::Error) -> Self {
        let mut cause: &dyn StdError = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let tls = cause.downcast_ref::<io::Error>().and_then(of_tls);
        let cause = match tls {
            Some(rustls::Error::InvalidMessage(_)) => "what listens there speaks no https".into(),
            _ => cause.to_string(),
        };
        if tls.is_some() || error.is_builder() {
            return Self::permanent(server, cause);
        }
        Self::Network {
            server: server.to_owned(),
            cause,
            is_permanent: false,
        }
    }

    fn permanent(server: &str, cause: String) -> Self {
        Self::Network {
            server: server.to_owned(),
            cause,
            is_permanent: true,
        }
    }

    /// The server's code, when it was the server.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// Whether the same request may succeed in a while.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Refused(problem) => {
                problem.is_transient() && problem.retry_after.is_none_or(|wait| wait <= MAX_WAIT)
            }
            Self::Network { is_permanent, .. } => !is_permanent,
            Self::Stalled(_) => true,
            Self::Usage(_) | Self::Unexpected(_) | Self::Unwritten { .. } | Self::Interrupted => {
                false
            }
        }
    }

    /// A title that is free, when the one that was wished for is not.
    pub(crate) fn free_title(&self) -> Option<&str> {
        let slug = match self {
            Self::Refused(problem) => problem.suggested_slug.as_deref()?,
            _ => return None,
        };
        // Anything else might be taken for an option.
        slug.starts_with(char::is_alphanumeric).then_some(slug)
    }

    /// How long the server asked to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// Whether the session can't be finished, whatever is tried: what it holds is wrong.
    pub(crate) fn is_hopeless(&self) -> bool {
        matches!(
            self.code(),
            Some("CHECKSUM_MISMATCH" | "CONTENT_TYPE_MISMATCH")
        )
    }

    /// The exit status, as `--help` lists them.
    pub(crate) fn exit_status(&self) -> u8 {
        match self {
            Self::Unwritten { .. } => 1,
            Self::Usage(_) => 2,
            Self::Refused(problem) => match (problem.status, problem.code.as_str()) {
                (401 | 403, _) => 4,
                (_, "DUPLICATE_FILE") => 6,
                (429, _) if !self.is_transient() => 7,
                _ if problem.is_transient() => 5,
                _ => 3,
            },
            Self::Unexpected(_) => 3,
            Self::Network { .. } | Self::Stalled(_) => 5,
            Self::Interrupted => 130,
        }
    }

    /// What the user can do, beyond what the message says; `--resume` is offered elsewhere.
    pub(crate) fn advice(&self) -> Option<String> {
        let advice = match self {
            Self::Refused(problem) => match problem.code.as_str() {
                "UNAUTHORIZED" => "Give a valid token with MOC_UPLOADS_TOKEN or --token.",
                "DUPLICATE_FILE" => {
                    "Leave these files out, or upload them again with --allow-duplicates."
                }
                "TOO_MANY_REQUESTS" => match &problem.next_allowed_at {
                    Some(time) => {
                        return Some(format!("The next upload is possible at {}.", escape(time)));
                    }
                    None => "Try again later.",
                },
                "CONFLICT" if problem.suggested_slug.is_some() => {
                    "Choose another --title; with --resume nothing is sent twice."
                }
                "CHECKSUM_MISMATCH" => {
                    "The file changed while it was uploaded, or was damaged on the way. \
                     Run the command again."
                }
                "CONTENT_TYPE_MISMATCH" => {
                    "Give the file the extension of what it is, or put the right file there, and \
                     run the command again."
                }
                "SESSION_EXPIRED" => "It was idle for too long; --resume starts a new session.",
                _ if matches!(problem.status, 301..=308 | 404 | 405) => CHECK_SERVER,
                _ => return None,
            },
            Self::Network {
                is_permanent: false,
                ..
            } => "Is the server running there? See --server.",
            Self::Network { .. } | Self::Unexpected(_) => CHECK_SERVER,
            _ => return None,
        };
        Some(advice.to_owned())
    }
}

/// What TLS says is wrong, under however many layers of input and output.
fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    let tls = inner.downcast_ref();
    tls.or_else(|| inner.downcast_ref().and_then(of_tls))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, retry_after: Option<u64>) -> Error {
        Error::Refused(Box::new(Problem {
            status,
            code: code.to_owned(),
            retry_after: retry_after.map(Duration::from_secs),
            ..Problem::default()
        }))
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(refused(status, "X", Some(120)).is_transient(), "{status}");
            assert!(!refused(status, "X", Some(121)).is_transient(), "{status}");
        }
        for status in [301, 400, 401, 403, 404, 409, 410, 413, 422, 501] {
            assert!(!refused(status, "X", None).is_transient(), "{status}");
        }
    }

    #[test]
    fn exit_statuses_tell_refusals_apart() {
        for (error, status) in [
            (refused(400, "BAD_REQUEST", None), 3),
            (refused(401, "UNAUTHORIZED", None), 4),
            (refused(403, "FORBIDDEN", None), 4),
            (refused(409, "CONFLICT", None), 3),
            (refused(409, "DUPLICATE_FILE", None), 6),
            (refused(429, "TOO_MANY_REQUESTS", Some(40_000)), 7),
            (refused(429, "HTTP_429", Some(1)), 5),
            (refused(503, "STORAGE_UNAVAILABLE", Some(1)), 5),
            (Error::Stalled(Duration::ZERO), 5),
            (Error::Interrupted, 130),
            (Error::Usage(vec![]), 2),
        ] {
            assert_eq!(error.exit_status(), status, "{error:?}");
        }
    }

    #[test]
    fn no_word_of_others_steers_the_terminal() {
        let nasty = "\x1b[2J\u{9b}31m\x07".to_owned();
        let problem = Problem {
            code: nasty.clone(),
            detail: nasty.clone(),
            correlation_id: Some(nasty.clone()),
            duplicates: vec![Duplicate {
                key: nasty.clone(),
                existing_url: nasty.clone(),
            }],
            errors: vec![FieldError {
                pointer: nasty.clone(),
                message: nasty.clone(),
            }],
            ..Problem::default()
        };
        let limited = Problem {
            code: "TOO_MANY_REQUESTS".to_owned(),
            next_allowed_at: Some(nasty.clone()),
            ..Problem::default()
        };
        for error in [
            Error::Refused(Box::new(problem)),
            Error::Refused(Box::new(limited)),
            Error::Usage(vec![nasty.clone()]),
            Error::Unexpected(nasty.clone()),
            Error::permanent("http://s", nasty),
        ] {
            let text = format!("{error}{}", error.advice().unwrap_or_default());
            let raw = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(raw, None, "{text:?}");
        }
    }
}
