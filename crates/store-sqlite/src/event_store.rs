//! The port of analytics.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use moc_uploads_core::analytics::{Event, FileFacts, SessionFacts};
use moc_uploads_core::analytics_report::{AnalyticsQuery, AnalyticsReport, event_id};
use moc_uploads_core::ids::{EventId, SessionId};
use moc_uploads_core::ports::{EventStore, StoreError};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;
use rusqlite::Row;

use crate::SqliteStore;
use crate::analytics;
use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db};
use crate::task::submit;

/// About as long as one request keeps the writer.
const EVENTS_AT_ONCE: usize = 16;

#[async_trait]
impl EventStore for SqliteStore {
    async fn session_facts(
        &self,
        session_ids: &[SessionId],
    ) -> Result<Vec<SessionFacts>, StoreError> {
        let ids = session_ids.to_vec();
        self.read(move |db| session_facts(db, &ids)).await
    }

    async fn unsettled_sessions(
        &self,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        self.read(move |db| {
            sql::all(
                db,
                include_str!("../queries/session_list_unsettled.sql"),
                (&after, limit),
                |row| decode::parsed(row, 0),
            )
        })
        .await
    }

    /// A few at a time, so that the changes of requests come in between.
    async fn insert_events(&self, events: &[Event]) -> Result<u64, StoreError> {
        let mut inserted = 0;
        for events in events.chunks(EVENTS_AT_ONCE) {
            let events = events.to_vec();
            inserted += self.write(move |db| insert_events(db, &events)).await?;
        }
        Ok(inserted)
    }

    async fn settle_sessions(&self, session_ids: &[SessionId]) -> Result<(), StoreError> {
        let ids = session_ids.to_vec();
        self.write(move |db| {
            let ids = serde_json::to_string(&ids)?;
            sql::execute(db, include_str!("../queries/session_settle.sql"), [ids])?;
            Ok(())
        })
        .await
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |db| {
            let prune = include_str!("../queries/event_prune.sql");
            Ok(sql::execute(db, prune, (before.unix_ms(), limit))? as u64)
        })
        .await
    }

    /// On a connection of its own: no request waits for a long report.
    async fn report(&self, query: AnalyticsQuery) -> Result<AnalyticsReport, StoreError> {
        let report = move |db: &Db<'_>| analytics::report(db, &query);
        submit(&self.reports, report).await
    }

    /// There is nothing to prepare.
    async fn prepare_reports(&self) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Sessions first: what is read later of one that has ended is all there will be.
fn session_facts(db: &Db<'_>, session_ids: &[SessionId]) -> Result<Vec<SessionFacts>, Error> {
    let ids = serde_json::to_string(session_ids)?;
    let mut sessions = sql::all(
        db,
        include_str!("../queries/event_facts.sql"),
        [&ids],
        facts,
    )?;
    let mut files: HashMap<SessionId, Vec<FileFacts>> = by_session(sql::all(
        db,
        include_str!("../queries/event_facts_file.sql"),
        [&ids],
        |row| Ok((decode::parsed(row, 0)?, file(row)?)),
    )?);
    let mut written: HashMap<SessionId, HashSet<EventId>> = by_session(sql::all(
        db,
        include_str!("../queries/event_facts_written.sql"),
        [&ids],
        |row| {
            Ok((
                decode::parsed(row, 0)?,
                EventId(event_id(decode::text(row, 1)?)),
            ))
        },
    )?);
    for session in &mut sessions {
        session.files = files.remove(&session.session_id).unwrap_or_default();
        session.written = written.remove(&session.session_id).unwrap_or_default();
    }
    Ok(sessions)
}

fn by_session<T, C: Default + Extend<T>>(rows: Vec<(SessionId, T)>) -> HashMap<SessionId, C> {
    let mut sessions: HashMap<SessionId, C> = HashMap::new();
    for (session_id, item) in rows {
        sessions.entry(session_id).or_default().extend([item]);
    }
    sessions
}

/// `id, user_id, status, declared_file_count, declared_bytes, created_at, expires_at, cancelled_at,
/// finalized_at, finalize_refusals`.
fn facts(row: &Row<'_>) -> Result<SessionFacts, Error> {
    let user_id: String = row.get(1)?;
    let refusals: BTreeMap<String, i64> = if decode::is_present(row, 9)? {
        decode::json(row, 9)?
    } else {
        BTreeMap::new()
    };
    Ok(SessionFacts {
        session_id: decode::parsed(row, 0)?,
        user_id: UserId::new(user_id),
        status: decode::parsed(row, 2)?,
        file_count: decode::unsigned(row, 3)?,
        total_size_bytes: decode::unsigned(row, 4)?,
        created_at: decode::timestamp(row, 5)?,
        expires_at: decode::timestamp(row, 6)?,
        cancelled_at: decode::optional_timestamp(row, 7)?,
        finalized_at: decode::optional_timestamp(row, 8)?,
        refusals: refusals
            .into_iter()
            .map(|(reason, unix_ms)| (reason, Timestamp::from_unix_ms(unix_ms)))
            .collect(),
        files: Vec::new(),
        written: HashSet::new(),
    })
}

/// `session_id, id, category, file_size_bytes, created_at, completed_at`.
fn file(row: &Row<'_>) -> Result<FileFacts, Error> {
    Ok(FileFacts {
        file_id: decode::parsed(row, 1)?,
        category: decode::parsed(row, 2)?,
        size_bytes: decode::unsigned(row, 3)?,
        registered_at: decode::timestamp(row, 4)?,
        completed_at: decode::optional_timestamp(row, 5)?,
    })
}

/// `INSERT ... SELECT` would keep a journal of its own for each row, and that costs more than to ask
/// first.
fn insert_events(db: &Db<'_>, events: &[Event]) -> Result<u64, Error> {
    let mut inserted = 0;
    for events in events.chunk_by(|a, b| a.session_id == b.session_id) {
        let session_id = events[0].session_id.to_string();
        let exists = include_str!("../queries/session_exists.sql");
        if !sql::exists(db, exists, [&session_id])? {
            continue;
        }
        for event in events {
            inserted += sql::execute(
                db,
                include_str!("../queries/event_insert.sql"),
                (
                    event.id.to_string(),
                    &session_id,
                    event.event_type.as_str(),
                    serde_json::to_string(&event.metadata)?,
                    event.created_at.unix_ms(),
                ),
            )? as u64;
        }
    }
    Ok(inserted)
}
