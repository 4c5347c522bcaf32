//! Errors as the log is to have them: with everything that caused them.

use std::error::Error as StdError;

use crate::error::Error;

/// What an error says and what each of its causes says, joined. A cause that was quoted by the error
/// above it is not repeated.
pub fn causes(error: &dyn StdError) -> String {
    let mut said = error.to_string();
    let mut last = said.clone();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !last.contains(&text) {
            said.push_str(": ");
            said.push_str(&text);
        }
        last = text;
        source = cause.source();
    }
    said
}

impl Error {
    /// Why, for the log: what is behind the sentence that clients read.
    pub fn causes(&self) -> String {
        self.source().map_or_else(|| self.to_string(), causes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::StoreError;

    #[derive(Debug, thiserror::Error)]
    #[error("statement failed")]
    struct Statement(#[source] std::io::Error);

    #[test]
    fn each_cause_is_said_once() {
        let statement = Statement(std::io::Error::other("connection reset"));
        let error = Error::from(StoreError::Unavailable(statement.into()));
        assert_eq!(
            error.causes(),
            "database unavailable: statement failed: connection reset"
        );
        assert_eq!(Error::BadRequest("No.".to_owned()).causes(), "No.");
    }
}
