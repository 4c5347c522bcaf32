//! Identifiers: UUIDs that can't be mistaken for one another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// The hyphenated form alone, in any case: an id has one spelling.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                uuid::fmt::Hyphenated::from_str(text).map(|id| Self(id.into_uuid()))
            }
        }
    };
}

id!(
    /// An upload session.
    SessionId
);
id!(
    /// A file registered in a session.
    FileId
);
id!(
    /// A MOC record.
    MocId
);
id!(
    /// An analytics event.
    EventId
);

/// Where new ids come from; tests make them predictable.
pub trait IdGenerator: Send + Sync {
    /// An id that was never given out before.
    fn new_id(&self, now: Timestamp) -> Uuid;
}

/// Version 7 UUIDs: random, and increasing with time, so that indexes grow at one end.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeOrderedIds;

impl IdGenerator for TimeOrderedIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where ids are made"
    )]
    fn new_id(&self, now: Timestamp) -> Uuid {
        let unix_ms = u64::try_from(now.unix_ms()).unwrap_or(0);
        Uuid::new_v7(uuid::Timestamp::from_unix(
            uuid::NoContext,
            unix_ms / 1000,
            (unix_ms % 1000) as u32 * 1_000_000,
        ))
    }
}
