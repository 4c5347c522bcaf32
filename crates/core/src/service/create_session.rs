//! Opens a session (CONTRACT sections 1.1 and 1.2).

use std::time::Duration;

use super::Uploads;
use crate::error::{Error, FieldError};
use crate::file::FileMetadata;
use crate::ids::SessionId;
use crate::plan::part_size_for;
use crate::ports::{CreateSessionOutcome, Idempotency, NewSession};
use crate::principal::Principal;
use crate::time::Timestamp;

/// How long an `Idempotency-Key` is remembered.
const IDEMPOTENCY_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// A request for a session, after the schema was checked.
#[derive(Debug, Clone)]
pub struct CreateSession {
    /// At least one, keys unique.
    pub files: Vec<FileMetadata>,
    /// Whether files that the user has already are let in.
    pub allow_duplicates: bool,
    /// The client's idempotency key and a digest of the body.
    pub idempotency: Option<(String, String)>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedSession {
    /// The session.
    pub session_id: SessionId,
    /// Bytes.
    pub part_size_bytes: u64,
    /// When it expires unless it is used.
    pub expires_at: Timestamp,
    /// Whether this is the first answer once more.
    pub is_replay: bool,
}

impl Uploads {
    /// Checks policy, duplicates and the daily limit, in this order, and opens a session.
    ///
    /// # Errors
    /// [`Error::BadRequest`], [`Error::FileTooLarge`], [`Error::UnsupportedType`],
    /// [`Error::FileCountExceeded`], [`Error::DuplicateFile`], [`Error::DailyLimit`], and
    /// [`Error::Validation`] for an idempotency key that was used with another body.
    pub async fn create_session(
        &self,
        principal: &Principal,
        request: CreateSession,
    ) -> Result<CreatedSession, Error> {
        let settings = self.settings();
        settings.policy.check_session(&request.files)?;
        if settings.daily_limit.is_none() {
            tracing::warn!("daily limit not checked: RATE_LIMIT_BYPASS is on");
        }

        let now = self.now();
        let largest_bytes = request.files.iter().map(|file| file.size_bytes).max();
        let total_size_bytes: u64 = request.files.iter().map(|file| file.size_bytes).sum();
        let file_count = request.files.len();
        let session = NewSession {
            id: SessionId(self.deps.ids.new_id(now)),
            user_id: principal.user_id.clone(),
            files: request.files,
            part_size_bytes: part_size_for(settings.part_size_bytes, largest_bytes.unwrap_or(0)),
            created_at: now,
            expires_at: now + settings.session_ttl.min(settings.extension.max_lifetime),
            daily_limit: settings.daily_limit,
            allow_duplicates: request.allow_duplicates,
            idempotency: request.idempotency.map(|(key, fingerprint)| Idempotency {
                key,
                fingerprint,
                valid_since: now - IDEMPOTENCY_TTL,
            }),
        };
        let created = CreatedSession {
            session_id: session.id,
            part_size_bytes: session.part_size_bytes,
            expires_at: session.expires_at,
            is_replay: false,
        };

        match self.deps.sessions.create_session(session).await? {
            CreateSessionOutcome::Created => {
                self.note(created.session_id);
                tracing::info!(
                    session_id = %created.session_id,
                    file_count,
                    total_size_bytes,
                    expires_at = %created.expires_at,
                    "session created"
                );
                Ok(created)
            }
            CreateSessionOutcome::Replayed {
                session_id,
                part_size_bytes,
                expires_at,
            } => Ok(CreatedSession {
                session_id,
                part_size_bytes,
                expires_at,
                is_replay: true,
            }),
            CreateSessionOutcome::IdempotencyKeyReused => {
                Err(Error::Validation(vec![FieldError::new(
                    "",
                    "This Idempotency-Key was used with another body within the last 24 hours; \
                     use a new key for a new request.",
                )]))
            }
            CreateSessionOutcome::Duplicates(duplicates) => Err(Error::DuplicateFile(duplicates)),
            CreateSessionOutcome::DailyLimitReached => {
                let next_allowed_at = now.next_utc_midnight();
                Err(Error::DailyLimit {
                    limit: settings.daily_limit.unwrap_or_default(),
                    next_allowed_at,
                    // Rounded up: who comes back then is let in.
                    retry_after_seconds: next_allowed_at.since(now).as_millis().div_ceil(1000)
                        as u64,
                })
            }
        }
    }
}
