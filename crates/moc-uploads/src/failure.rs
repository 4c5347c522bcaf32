//! What ends the program early.

use std::fmt;

use moc_uploads_core::causes;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure at run time: what was tried, and why it went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    context: String,
    cause: Cause,
    hint: Option<&'static str>,
}

impl Failure {
    pub(crate) fn new(context: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self {
            context: context.into(),
            cause: cause.into(),
            hint: None,
        }
    }

    /// With what may help, on a line of its own.
    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// With the place where it happened.
    pub(crate) fn in_what(mut self, place: &impl fmt::Display) -> Self {
        self.context = format!("{place}: {}", self.context);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.context, causes(&*self.cause))?;
        self.hint.map_or(Ok(()), |hint| write!(f, "\n{hint}"))
    }
}

impl std::error::Error for Failure {}
