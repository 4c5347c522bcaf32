//! The event store: the analytics events, and the facts that they follow from.

use async_trait::async_trait;

use super::StoreError;
use crate::analytics::{Event, SessionFacts};
use crate::analytics_report::{AnalyticsQuery, AnalyticsReport};
use crate::ids::SessionId;
use crate::time::Timestamp;

/// Where events are kept. It shares a database with the session store.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// What the tables say about these sessions, those with a declaration; in any order.
    async fn session_facts(
        &self,
        session_ids: &[SessionId],
    ) -> Result<Vec<SessionFacts>, StoreError>;

    /// Up to `limit` sessions with a declaration that are not settled, by id, those after `after`.
    async fn unsettled_sessions(
        &self,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// Writes events, but none that is there and none whose session is gone; how many.
    async fn insert_events(&self, events: &[Event]) -> Result<u64, StoreError>;

    /// Notes that all events of these sessions are written, and that none will come: sessions that
    /// are active stay unsettled.
    async fn settle_sessions(&self, session_ids: &[SessionId]) -> Result<(), StoreError>;

    /// Removes up to `limit` events made before `before`, the oldest first; how many.
    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// What events add up to, and a page of them, as of one moment (CONTRACT section 1.8). Every
    /// row counts, whoever wrote it.
    async fn report(&self, query: AnalyticsQuery) -> Result<AnalyticsReport, StoreError>;

    /// Does a small piece of what makes reports quick; whether there is more to do. Safe to leave
    /// out, to repeat, and on every replica.
    async fn prepare_reports(&self) -> Result<bool, StoreError>;
}
