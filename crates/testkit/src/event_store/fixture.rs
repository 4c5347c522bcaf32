//! Stores under test.

use std::sync::Arc;

use moc_uploads_core::analytics::{Event, SessionFacts, events_of};
use moc_uploads_core::ids::SessionId;
use moc_uploads_core::ports::{EventStore, NewSession};

use crate::session_store::Stores;

/// Two replicas over one new database.
pub struct EventStores {
    /// What happens.
    pub sessions: Stores,
    /// Where events are written.
    pub store: Arc<dyn EventStore>,
    /// Another process' store, or as near to that as can be.
    pub replica: Arc<dyn EventStore>,
}

impl EventStores {
    pub(super) async fn facts(&self, session: &NewSession) -> SessionFacts {
        let mut facts = self.store.session_facts(&[session.id]).await.unwrap();
        assert_eq!(facts.len(), 1);
        facts.remove(0)
    }

    /// Everything that happened in a session, as it is to be written.
    pub(super) async fn events(&self, session: &NewSession) -> Vec<Event> {
        events_of(&self.facts(session).await)
    }

    pub(super) async fn written_count(&self, session: &NewSession) -> usize {
        self.facts(session).await.written.len()
    }

    pub(super) async fn unsettled(&self) -> Vec<SessionId> {
        self.store.unsettled_sessions(None, 1000).await.unwrap()
    }
}
