//! Upload sessions.

use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::file::UnknownName;
use crate::finalize::Moc;
use crate::ids::SessionId;
use crate::principal::UserId;
use crate::time::Timestamp;

/// The state of a session (CONTRACT section 1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionStatus {
    /// Takes files and parts.
    Active,
    /// Finalized.
    Completed,
    /// Abandoned.
    Expired,
    /// Cancelled by its owner.
    Cancelled,
}

impl SessionStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Active,
        Self::Completed,
        Self::Expired,
        Self::Cancelled,
    ];

    /// The name that clients and tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Completed => "completed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for SessionStatus {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == name)
            .ok_or_else(|| UnknownName(name.to_owned()))
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its owner.
    pub user_id: UserId,
    /// As it was written; [`Session::status_at`] says what it means now.
    pub stored_status: SessionStatus,
    /// Bytes.
    pub part_size_bytes: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires unless it is used.
    pub expires_at: Timestamp,
}

impl Session {
    /// Expiry is a fact of time, not of the reaper: an active session past `expires_at` is
    /// expired.
    pub fn status_at(&self, now: Timestamp) -> SessionStatus {
        match self.stored_status {
            SessionStatus::Active if self.expires_at <= now => SessionStatus::Expired,
            status => status,
        }
    }
}

/// A session with the sums that clients see in lists (CONTRACT section 1.10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummary {
    /// The session.
    pub session: Session,
    /// Declared files; registered ones where nothing was declared.
    pub file_count: u64,
    /// Their bytes.
    pub bytes_total: u64,
    /// Bytes that have arrived and are recorded.
    pub bytes_received: u64,
    /// What it became.
    pub moc: Option<Moc>,
}

/// How sessions that are used extend themselves (CONTRACT section 1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtensionRule {
    /// Activity extends when less than this is left.
    pub threshold: Duration,
    /// How far from now the new expiry is.
    pub ttl: Duration,
    /// Counted from creation, and never passed.
    pub max_lifetime: Duration,
}

impl ExtensionRule {
    /// The new expiry that activity at `now` gives to an active session, if any.
    pub fn apply(&self, session: &Session, now: Timestamp) -> Option<Timestamp> {
        let is_near_expiry = session.expires_at - self.threshold < now;
        let extended = (now + self.ttl).min(session.created_at + self.max_lifetime);
        (is_near_expiry && extended > session.expires_at).then_some(extended)
    }
}

/// An extension that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// Before.
    pub old_expires_at: Timestamp,
    /// After.
    pub new_expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn session(left: Duration) -> (Session, Timestamp) {
        let now: Timestamp = "2026-01-25T12:00:00Z".parse().unwrap();
        let session = Session {
            id: SessionId(uuid::Uuid::nil()),
            user_id: UserId::new("alice"),
            stored_status: SessionStatus::Active,
            part_size_bytes: 1,
            created_at: now - 60 * MINUTE,
            expires_at: now + left,
        };
        (session, now)
    }

    #[test]
    fn extends_only_near_expiry_and_never_past_the_cap() {
        let rule = ExtensionRule {
            threshold: 10 * MINUTE,
            ttl: 30 * MINUTE,
            max_lifetime: 24 * 60 * MINUTE,
        };
        let (far, now) = session(10 * MINUTE);
        assert_eq!(rule.apply(&far, now), None);
        let (near, now) = session(9 * MINUTE);
        assert_eq!(rule.apply(&near, now), Some(now + 30 * MINUTE));
        let capped = ExtensionRule {
            max_lifetime: 75 * MINUTE,
            ..rule
        };
        assert_eq!(capped.apply(&near, now), Some(now + 15 * MINUTE));
        let at_the_cap = ExtensionRule {
            max_lifetime: 69 * MINUTE,
            ..rule
        };
        assert_eq!(at_the_cap.apply(&near, now), None);
    }
}
