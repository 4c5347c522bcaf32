//! The use cases, one file each. All take who is calling, and none knows how the call came in.

mod cancel_session;
mod complete_file;
mod create_session;
mod finalize_session;
mod free_storage;
mod get_session;
mod held_parts;
mod list_parts;
mod list_sessions;
mod query_analytics;
mod read_content;
mod reap_sessions;
mod receipts;
mod register_file;
mod sweep_leftovers;
mod sweep_orphans;
mod upload_part;
mod write_events;

use std::sync::Arc;
use std::time::Duration;

pub use complete_file::CompletedFile;
pub use create_session::{CreateSession, CreatedSession};
pub use finalize_session::Finalized;
pub use get_session::SessionView;
pub use list_sessions::{ListSessions, SessionList};
pub use read_content::Content;
pub use reap_sessions::Reaped;
pub use register_file::{RegisterFile, RegisteredFile};
pub use sweep_orphans::SweptOrphans;
pub use upload_part::{ReceivedPart, UploadPart};
pub use write_events::EventBatch;

use crate::error::Error;
use crate::event_queue::EventQueue;
use crate::finalize::HeldLocks;
use crate::ids::{IdGenerator, SessionId};
use crate::policy::Policy;
use crate::ports::{Activity, EventStore, FileInSession, ObjectStore, SessionStore};
use crate::principal::{Access, UserId};
use crate::session::{Extension, ExtensionRule, Session, SessionStatus};
use crate::time::{Clock, Timestamp};

/// Calls to the object store that one request, or the freeing of one session, has under way at once.
const CALLS_AT_ONCE: usize = 16;

/// What the use cases work with.
#[derive(Clone)]
pub struct Deps {
    /// Where sessions are kept.
    pub sessions: Arc<dyn SessionStore>,
    /// Where bytes are kept.
    pub objects: Arc<dyn ObjectStore>,
    /// Where analytics events are kept.
    pub events: Arc<dyn EventStore>,
    /// Where sessions wait for their events to be written.
    pub event_queue: Arc<EventQueue>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdGenerator>,
}

/// What an operator may choose (CONTRACT section 5). The defaults are the contract's.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What may be uploaded.
    pub policy: Policy,
    /// Bytes; the default of 5 MiB is also the least that S3 takes.
    pub part_size_bytes: u64,
    /// Of a new session.
    pub session_ttl: Duration,
    /// Of sessions that are used.
    pub extension: ExtensionRule,
    /// Of presigned part URLs.
    pub presigned_url_ttl: Duration,
    /// Files per batch registration.
    pub max_batch_size: usize,
    /// Sessions per user and UTC day; `None` skips the check, with a warning each time.
    pub daily_limit: Option<u32>,
    /// After this a finalize lock is stale, also when its owner lives.
    pub finalize_lock_ttl: Duration,
    /// First segment of object keys.
    pub stage: String,
    /// Whether a declared SHA-256 is verified when its file is completed.
    pub verify_hash: bool,
    /// Whether content is handed out by the object store itself, where it can do that.
    pub redirects_content: bool,
    /// After this an upload that no row knows is aborted, and freed storage looked at again.
    pub orphan_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        Self {
            policy: Policy::default(),
            part_size_bytes: 5 * 1024 * 1024,
            session_ttl: 15 * MINUTE,
            extension: ExtensionRule {
                threshold: 10 * MINUTE,
                ttl: 30 * MINUTE,
                max_lifetime: 24 * 60 * MINUTE,
            },
            presigned_url_ttl: 15 * MINUTE,
            max_batch_size: 10,
            daily_limit: Some(100),
            finalize_lock_ttl: 5 * MINUTE,
            stage: "dev".to_owned(),
            verify_hash: true,
            redirects_content: true,
            orphan_age: 24 * 60 * MINUTE,
        }
    }
}

/// The upload service: all use cases.
#[derive(Clone)]
pub struct Uploads {
    deps: Deps,
    settings: Arc<Settings>,
    finalize_locks: Arc<HeldLocks>,
}

impl Uploads {
    /// A service over these stores.
    pub fn new(deps: Deps, settings: Settings) -> Self {
        Self {
            deps,
            settings: Arc::new(settings),
            finalize_locks: Arc::default(),
        }
    }

    /// What it works with.
    pub fn deps(&self) -> &Deps {
        &self.deps
    }

    /// What is in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn now(&self) -> Timestamp {
        self.deps.clock.now()
    }

    /// Something happened in a session that analytics is to know of. It is written later.
    fn note(&self, session_id: SessionId) {
        self.deps.event_queue.note(session_id);
    }
}

/// A session of this user; everybody else's does not exist (CONTRACT section 2, `NOT_FOUND`).
fn owned_session(session: Session, user_id: &UserId) -> Result<Session, Error> {
    if session.user_id == *user_id {
        Ok(session)
    } else {
        Err(Error::NotFound("session"))
    }
}

/// A file that this access reaches, and its session, in whatever state.
fn reachable_file(
    target: Option<FileInSession>,
    access: Access<'_>,
) -> Result<(Session, crate::file::UploadFile), Error> {
    let target = target
        .filter(|target| access.reaches(&target.session.user_id))
        .ok_or(Error::NotFound("session"))?;
    let file = target.file.ok_or(Error::NotFound("file"))?;
    Ok((target.session, file))
}

/// Refuses activity on a session that is not active (CONTRACT section 1.9).
fn require_active(session: &Session, now: Timestamp) -> Result<(), Error> {
    match session.status_at(now) {
        SessionStatus::Active => Ok(()),
        SessionStatus::Expired => Err(Error::SessionExpired {
            expires_at: session.expires_at,
            now,
        }),
        status @ (SessionStatus::Completed | SessionStatus::Cancelled) => {
            Err(Error::SessionNotActive { status })
        }
    }
}

/// Why a session that the store found closed takes nothing. The store's clock may be a little ahead
/// of ours.
fn refusal(closed: &Session, now: Timestamp) -> Error {
    match closed.stored_status {
        SessionStatus::Active | SessionStatus::Expired => Error::SessionExpired {
            expires_at: closed.expires_at,
            now: now.max(closed.expires_at),
        },
        status @ (SessionStatus::Completed | SessionStatus::Cancelled) => {
            Error::SessionNotActive { status }
        }
    }
}

/// The outcome of activity, with its extension written to the log (CONTRACT section 1.7).
fn settle<T>(
    activity: Activity<T>,
    session: &Session,
    now: Timestamp,
    action: &'static str,
) -> Result<(T, Option<Extension>), Error> {
    match activity {
        Activity::Done { outcome, extension } => {
            if let Some(extension) = extension {
                tracing::info!(
                    session_id = %session.id,
                    old_expires_at = %extension.old_expires_at,
                    new_expires_at = %extension.new_expires_at,
                    action,
                    "session extended"
                );
            }
            Ok((outcome, extension))
        }
        Activity::SessionClosed(closed) => {
            let closed = closed.ok_or(Error::NotFound("session"))?;
            Err(refusal(&closed, now))
        }
        Activity::Finalizing => Err(Error::conflict(
            "The session is being finalized; wait for that to end, or open a new one.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ErrorCode;

    /// Ours is behind: by it, the session has time left.
    #[test]
    fn what_the_store_found_expired_is_expired_whatever_our_clock_says() {
        let now = Timestamp::from_unix_ms(0);
        let mut session = Session {
            id: crate::ids::SessionId(uuid::Uuid::nil()),
            user_id: UserId::new("alice"),
            stored_status: SessionStatus::Active,
            part_size_bytes: 1,
            created_at: now,
            expires_at: now + Duration::from_millis(1),
        };
        for (status, code) in [
            (SessionStatus::Active, ErrorCode::SessionExpired),
            (SessionStatus::Expired, ErrorCode::SessionExpired),
            (SessionStatus::Cancelled, ErrorCode::SessionNotActive),
            (SessionStatus::Completed, ErrorCode::SessionNotActive),
        ] {
            session.stored_status = status;
            let activity = Activity::<()>::SessionClosed(Some(session.clone()));
            let refusal = settle(activity, &session, now, "test").unwrap_err();
            assert_eq!(refusal.code(), code, "{status:?}");
            if let Error::SessionExpired { expires_at, now } = refusal {
                assert!(expires_at <= now);
            }
        }
    }
}
