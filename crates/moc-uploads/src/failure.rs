//! What ends the program early.

use std::fmt;

use moc_uploads_core::causes;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure at run time: what was tried, and why it went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    context: String,
    cause: Cause,
}

impl Failure {
    pub(crate) fn new(context: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self {
            context: context.into(),
            cause: cause.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.context, causes(&*self.cause))
    }
}

impl std::error::Error for Failure {}
