//! Who is calling.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::error::Error;

/// The subject of a token (claim `sub`): the owner of sessions, files and MOCs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(Arc<str>);

impl UserId {
    /// Any non-empty string; the identity provider decides what it looks like.
    pub fn new(sub: impl Into<Arc<str>>) -> Self {
        Self(sub.into())
    }

    /// The subject as it was in the token.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Serialize for UserId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An authenticated caller (CONTRACT section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user.
    pub user_id: UserId,
    /// Whether one of the caller's groups or roles is the admin group.
    pub is_admin: bool,
}

impl Principal {
    /// # Errors
    /// [`Error::Forbidden`] unless the caller is an admin.
    pub fn require_admin(&self) -> Result<(), Error> {
        if self.is_admin {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "This is for admins; your token has no admin role.",
            ))
        }
    }
}

/// What entitles a request to touch a file's parts.
#[derive(Debug, Clone, Copy)]
pub enum Access<'a> {
    /// The owner, by bearer token.
    Owner(&'a UserId),
    /// A presigned URL that was verified for exactly this part.
    Presigned,
}

impl Access<'_> {
    /// Whether this access reaches what belongs to `owner`.
    pub fn reaches(self, owner: &UserId) -> bool {
        match self {
            Self::Owner(user_id) => user_id == owner,
            Self::Presigned => true,
        }
    }
}
