//! The caller's sessions (CONTRACT section 1, endpoint 2).

use super::Uploads;
use crate::error::Error;
use crate::ports::SessionQuery;
use crate::principal::Principal;
use crate::session::{SessionStatus, SessionSummary};

/// Which page.
#[derive(Debug, Clone, Copy)]
pub struct ListSessions {
    /// Only these.
    pub status: Option<SessionStatus>,
    /// At most.
    pub limit: u32,
    /// Skipping.
    pub offset: u64,
}

/// A page, each session with its status now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionList {
    /// Newest first.
    pub sessions: Vec<(SessionStatus, SessionSummary)>,
    /// All that match.
    pub total: u64,
}

impl Uploads {
    /// The caller's sessions, newest first.
    ///
    /// # Errors
    /// None but those of the database.
    pub async fn list_sessions(
        &self,
        principal: &Principal,
        request: ListSessions,
    ) -> Result<SessionList, Error> {
        let now = self.now();
        let page = self
            .deps
            .sessions
            .list_sessions(SessionQuery {
                user_id: principal.user_id.clone(),
                status: request.status,
                now,
                limit: request.limit,
                offset: request.offset,
            })
            .await?;
        Ok(SessionList {
            sessions: page
                .sessions
                .into_iter()
                .map(|summary| (summary.session.status_at(now), summary))
                .collect(),
            total: page.total,
        })
    }
}
