//! What analytics is made of: events, and the facts that they follow from (CONTRACT section 1.8).
//!
//! What happened stands in the tables of sessions and files. Events are computed from it, by
//! [`events_of`] alone: whoever does it, and however often, gets the same ones.

use std::collections::HashSet;
use std::fmt;

use serde::Serialize;
use uuid::Uuid;

use crate::error::ErrorCode;
use crate::file::Category;
use crate::ids::{EventId, FileId, SessionId};
use crate::principal::UserId;
use crate::session::SessionStatus;
use crate::time::Timestamp;

/// `failure_reason` of a session that its owner cancelled; all other reasons are error codes.
const CANCELLED: &str = "CANCELLED";

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A session was opened.
    SessionCreated,
    /// A file was registered.
    FileRegistered,
    /// A file was completed.
    FileCompleted,
    /// A session became a MOC.
    SessionFinalized,
    /// A session expired, was cancelled, or could not be finalized for what it holds.
    SessionFailed,
}

impl EventType {
    /// All of them, in the order of a session's life.
    pub const ALL: [Self; 5] = [
        Self::SessionCreated,
        Self::FileRegistered,
        Self::FileCompleted,
        Self::SessionFinalized,
        Self::SessionFailed,
    ];

    /// The name that clients and tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionCreated => "session_created",
            Self::FileRegistered => "file_registered",
            Self::FileCompleted => "file_completed",
            Self::SessionFinalized => "session_finalized",
            Self::SessionFailed => "session_failed",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Derived from what happened: a version 5 UUID in the namespace of the session, of the type
    /// and of the file or the reason.
    pub id: EventId,
    /// Where.
    pub session_id: SessionId,
    /// What.
    pub event_type: EventType,
    /// Of which kind and size.
    pub metadata: EventMetadata,
    /// When.
    pub created_at: Timestamp,
}

/// What an event says of its session or file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventMetadata {
    /// The session's owner.
    pub user_id: UserId,
    /// Declared files; 1 for a file.
    pub file_count: u64,
    /// Declared bytes; the file's for a file.
    pub total_size_bytes: u64,
    /// Since the creation of the session; for a file since its registration.
    pub elapsed_time_ms: u64,
    /// Of `session_failed`: an error code, or `CANCELLED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// Of a file's events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_id: Option<FileId>,
    /// Of a file's events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
}

/// What the tables say about a session with a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionFacts {
    /// The session.
    pub session_id: SessionId,
    /// Its owner.
    pub user_id: UserId,
    /// As it is stored: a session is expired when the reaper has been there.
    pub status: SessionStatus,
    /// Declared.
    pub file_count: u64,
    /// Declared.
    pub total_size_bytes: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires, or has.
    pub expires_at: Timestamp,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// When it became a MOC.
    pub finalized_at: Option<Timestamp>,
    /// The first time that finalizing was refused, by reason.
    pub refusals: Vec<(String, Timestamp)>,
    /// Its files.
    pub files: Vec<FileFacts>,
    /// Which of its events are written.
    pub written: HashSet<EventId>,
}

/// What the tables say about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// The file.
    pub file_id: FileId,
    /// What it is for.
    pub category: Category,
    /// Declared.
    pub size_bytes: u64,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it was completed, whatever became of it since.
    pub completed_at: Option<Timestamp>,
}

impl SessionFacts {
    /// Whether nothing can happen in it any more.
    pub fn has_ended(&self) -> bool {
        self.status != SessionStatus::Active
    }
}

/// Everything that happened in a session.
pub fn events_of(session: &SessionFacts) -> Vec<Event> {
    let mut events = vec![session_event(
        session,
        EventType::SessionCreated,
        session.created_at,
        None,
    )];
    for file in &session.files {
        let registered = (EventType::FileRegistered, Some(file.registered_at));
        let completed = (EventType::FileCompleted, file.completed_at);
        for (event_type, at) in [registered, completed] {
            events.extend(at.map(|at| file_event(session, file, event_type, at)));
        }
    }
    let finalized = session.finalized_at;
    events
        .extend(finalized.map(|at| session_event(session, EventType::SessionFinalized, at, None)));
    events
        .extend(failures(session).map(|(reason, at)| {
            session_event(session, EventType::SessionFailed, at, Some(reason))
        }));
    events
}

fn failures(session: &SessionFacts) -> impl Iterator<Item = (&str, Timestamp)> {
    let refusals = session.refusals.iter();
    let expired = (session.status == SessionStatus::Expired)
        .then_some((ErrorCode::SessionExpired.as_str(), session.expires_at));
    refusals
        .map(|(reason, at)| (reason.as_str(), *at))
        .chain(session.cancelled_at.map(|at| (CANCELLED, at)))
        .chain(expired)
}

fn session_event(
    session: &SessionFacts,
    event_type: EventType,
    at: Timestamp,
    reason: Option<&str>,
) -> Event {
    Event {
        id: event_id(session.session_id, event_type, reason.unwrap_or_default()),
        session_id: session.session_id,
        event_type,
        metadata: EventMetadata {
            user_id: session.user_id.clone(),
            file_count: session.file_count,
            total_size_bytes: session.total_size_bytes,
            elapsed_time_ms: elapsed_ms(session.created_at, at),
            failure_reason: reason.map(str::to_owned),
            file_id: None,
            category: None,
        },
        created_at: at,
    }
}

fn file_event(
    session: &SessionFacts,
    file: &FileFacts,
    event_type: EventType,
    at: Timestamp,
) -> Event {
    Event {
        id: event_id(session.session_id, event_type, &file.file_id.to_string()),
        session_id: session.session_id,
        event_type,
        metadata: EventMetadata {
            user_id: session.user_id.clone(),
            file_count: 1,
            total_size_bytes: file.size_bytes,
            elapsed_time_ms: elapsed_ms(file.registered_at, at),
            failure_reason: None,
            file_id: Some(file.file_id),
            category: Some(file.category),
        },
        created_at: at,
    }
}

/// Never changes: events that are written are known by it.
fn event_id(session_id: SessionId, event_type: EventType, subject: &str) -> EventId {
    let name = format!("{event_type}/{subject}");
    EventId(Uuid::new_v5(&session_id.0, name.as_bytes()))
}

/// The clocks of replicas differ a little: never less than nothing.
fn elapsed_ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const CREATED_AT: Timestamp = Timestamp::from_unix_ms(1_000_000);

    fn seconds(seconds: u64) -> Timestamp {
        CREATED_AT + Duration::from_secs(seconds)
    }

    fn session(status: SessionStatus) -> SessionFacts {
        SessionFacts {
            session_id: SessionId(Uuid::from_u128(1)),
            user_id: UserId::new("alice"),
            status,
            file_count: 3,
            total_size_bytes: 300,
            created_at: CREATED_AT,
            expires_at: seconds(900),
            cancelled_at: None,
            finalized_at: None,
            refusals: vec![],
            files: vec![],
            written: HashSet::new(),
        }
    }

    fn failures_of(session: &SessionFacts) -> Vec<(String, u64)> {
        let events = events_of(session).into_iter();
        events
            .filter(|event| event.event_type == EventType::SessionFailed)
            .map(|event| {
                assert_eq!(
                    event.created_at.since(CREATED_AT).as_millis(),
                    u128::from(event.metadata.elapsed_time_ms)
                );
                (
                    event.metadata.failure_reason.unwrap(),
                    event.metadata.elapsed_time_ms,
                )
            })
            .collect()
    }

    #[test]
    fn a_file_says_its_size_and_the_time_since_its_registration() {
        let file = FileFacts {
            file_id: FileId(Uuid::from_u128(2)),
            category: Category::PartsList,
            size_bytes: 100,
            registered_at: seconds(1),
            completed_at: Some(seconds(6)),
        };
        let mut session = session(SessionStatus::Completed);
        session.finalized_at = Some(seconds(8));
        session.files = vec![
            FileFacts {
                completed_at: None,
                ..file.clone()
            },
            file,
        ];
        let events = events_of(&session);
        let types: Vec<_> = events
            .iter()
            .map(|event| event.event_type.as_str())
            .collect();
        assert_eq!(
            types,
            [
                "session_created",
                "file_registered",
                "file_registered",
                "file_completed",
                "session_finalized"
            ]
        );
        assert_eq!(
            serde_json::to_value(&events[3].metadata).unwrap(),
            serde_json::json!({
                "user_id": "alice", "file_count": 1, "total_size_bytes": 100,
                "elapsed_time_ms": 5000, "file_id": "00000000-0000-0000-0000-000000000002",
                "category": "parts-list",
            })
        );
        assert_eq!(
            serde_json::to_value(&events[4].metadata).unwrap(),
            serde_json::json!({
                "user_id": "alice", "file_count": 3, "total_size_bytes": 300,
                "elapsed_time_ms": 8000,
            })
        );
    }

    #[test]
    fn a_session_fails_once_for_each_reason() {
        let mut session = session(SessionStatus::Active);
        session.refusals = vec![
            ("FILES_INCOMPLETE".to_owned(), seconds(2)),
            ("CONTENT_TYPE_MISMATCH".to_owned(), seconds(3)),
        ];
        let refused = [
            ("FILES_INCOMPLETE".to_owned(), 2000),
            ("CONTENT_TYPE_MISMATCH".to_owned(), 3000),
        ];
        assert_eq!(failures_of(&session), refused);
        session.status = SessionStatus::Expired;
        assert_eq!(
            failures_of(&session)[2..],
            [("SESSION_EXPIRED".to_owned(), 900_000)]
        );
        session.status = SessionStatus::Cancelled;
        session.cancelled_at = Some(seconds(4));
        assert_eq!(failures_of(&session)[2..], [("CANCELLED".to_owned(), 4000)]);
    }

    /// Events out there have these ids: with others they would be written once more.
    #[test]
    fn ids_stay_what_they_are() {
        let id = event_id(
            SessionId(Uuid::from_u128(1)),
            EventType::SessionFailed,
            CANCELLED,
        );
        assert_eq!(id.to_string(), "30c7b2b7-aa85-5b9d-aaab-8c595af6a300");
        let mut session = session(SessionStatus::Active);
        let created = events_of(&session)[0].id;
        session.session_id = SessionId(Uuid::from_u128(3));
        assert_ne!(events_of(&session)[0].id, created);
    }
}
