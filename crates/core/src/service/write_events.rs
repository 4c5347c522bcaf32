//! Writes analytics events (CONTRACT section 1.8), in the background: no request waits for it.

use std::time::Duration;

use super::Uploads;
use crate::analytics::{Event, events_of};
use crate::causes;
use crate::error::Error;
use crate::ids::SessionId;
use crate::ports::StoreError;
use crate::time::Timestamp;

/// Sessions and events at a time.
#[derive(Debug, Clone, Copy)]
pub struct EventBatch {
    /// At most so many in one statement, at least 1.
    pub size: usize,
    /// Events made before this are not written: they would be pruned.
    pub since: Option<Timestamp>,
}

impl Uploads {
    /// Writes the events of the sessions that were noted since the last time; how many. What fails
    /// is noted again.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn write_events(&self, batch: EventBatch) -> Result<u64, Error> {
        let queue = &self.deps.event_queue;
        let noted = queue.take();
        let (mut written, mut failure) = (0, None);
        for (index, sessions) in noted.chunks(batch.size).enumerate() {
            match self.write_each(sessions, batch, None).await {
                Ok(count) => {
                    queue.count_written(count);
                    written += count;
                }
                // Others need not be as it is.
                Err(error @ StoreError::Internal(_)) if sessions.len() == 1 => {
                    queue.count_failed();
                    queue.note(sessions[0]);
                    failure = Some(error);
                }
                Err(error) => {
                    queue.count_failed();
                    for session_id in &noted[index * batch.size..] {
                        queue.note(*session_id);
                    }
                    return Err(error.into());
                }
            }
        }
        failure.map_or(Ok(written), |error| Err(error.into()))
    }

    /// Finds events that are not written though they happened more than `grace` ago (what is
    /// younger may be on its way), and writes them; how many. It looks at the sessions that have not
    /// ended, and at those that have ended since the last time, however long ago that was. Safe on
    /// every replica at once.
    ///
    /// # Errors
    /// Those of the database. Sessions that fail do not hold up others.
    pub async fn reconcile_events(&self, batch: EventBatch, grace: Duration) -> Result<u64, Error> {
        let until = self.now() - grace;
        let limit = u32::try_from(batch.size).unwrap_or(u32::MAX);
        let queue = &self.deps.event_queue;
        let (mut derived, mut after, mut failure) = (0, None, None);
        loop {
            let sessions = self.deps.events.unsettled_sessions(after, limit).await?;
            let Some(last) = sessions.last() else {
                break;
            };
            after = Some(*last);
            match self.write_each(&sessions, batch, Some(until)).await {
                Ok(count) => {
                    queue.count_derived(count);
                    derived += count;
                }
                Err(error) => {
                    queue.count_failed();
                    failure = Some(error);
                }
            }
        }
        failure.map_or(Ok(derived), |error| Err(error.into()))
    }

    /// Removes events made before `before`; how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn prune_events(&self, before: Timestamp) -> Result<u64, Error> {
        /// Few enough to hold up nobody who writes meanwhile.
        const LIMIT: u32 = 500;
        let mut pruned = 0;
        loop {
            let count = self.deps.events.prune_events(before, LIMIT).await?;
            pruned += count;
            if count < u64::from(LIMIT) {
                return Ok(pruned);
            }
        }
    }

    /// As [`Self::write_missing`], but a session whose rows can't be read fails alone. It is left to
    /// the reconciler, unless all of them fail, which is not for what one of them has.
    async fn write_each(
        &self,
        sessions: &[SessionId],
        batch: EventBatch,
        until: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        match self.write_missing(sessions, batch, until).await {
            Err(StoreError::Internal(_)) if sessions.len() > 1 => {}
            result => return result,
        }
        let (mut written, mut failures) = (0, Vec::new());
        for session_id in sessions {
            match self.write_missing(&[*session_id], batch, until).await {
                Ok(count) => written += count,
                Err(error @ StoreError::Internal(_)) => failures.push((session_id, error)),
                Err(error) => return Err(error),
            }
        }
        if failures.len() == sessions.len()
            && let Some((_, error)) = failures.pop()
        {
            return Err(error);
        }
        for (session_id, error) in failures {
            self.deps.event_queue.count_failed();
            tracing::warn!(%session_id, error = causes(&error), "the events of this session can't be written");
        }
        Ok(written)
    }

    /// Writes what is missing of these sessions, but for what happened after `until`, and settles
    /// those of which nothing will be missing any more.
    async fn write_missing(
        &self,
        sessions: &[SessionId],
        batch: EventBatch,
        until: Option<Timestamp>,
    ) -> Result<u64, StoreError> {
        let store = &self.deps.events;
        let (mut missing, mut complete) = (Vec::new(), Vec::new());
        for facts in store.session_facts(sessions).await? {
            let events = events_of(&facts).into_iter();
            let (due, later): (Vec<Event>, Vec<_>) = events
                .filter(|event| !facts.written.contains(&event.id))
                .filter(|event| batch.since.is_none_or(|since| event.created_at >= since))
                .partition(|event| until.is_none_or(|until| event.created_at <= until));
            missing.extend(due);
            if facts.has_ended() && later.is_empty() {
                complete.push(facts.session_id);
            }
        }
        // In one order everywhere: writers on several replicas wait for each other in no circle. By
        // session, as indexes have them side by side.
        missing.sort_unstable_by_key(|event| (event.session_id, event.id));
        let mut written = 0;
        for events in missing.chunks(batch.size) {
            written += store.insert_events(events).await?;
        }
        if !complete.is_empty() {
            store.settle_sessions(&complete).await?;
        }
        Ok(written)
    }
}
