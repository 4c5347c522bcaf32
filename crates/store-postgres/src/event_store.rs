//! The port of analytics. Its connections are its own, some to write and some to read: whatever it
//! waits for, no upload waits with it, and no event for a long report.

use async_trait::async_trait;
use moc_uploads_core::analytics::{Event, FileFacts, SessionFacts};
use moc_uploads_core::analytics_report::{AnalyticsQuery, AnalyticsReport};
use moc_uploads_core::ids::{EventId, FileId, SessionId};
use moc_uploads_core::ports::{EventStore, StoreError};
use moc_uploads_core::principal::UserId;
use moc_uploads_core::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::{Json, Uuid};
use time::OffsetDateTime;

use crate::PostgresStore;
use crate::analytics;
use crate::decode;
use crate::error::Error;
use crate::sql::{Database, Query};

#[async_trait]
impl EventStore for PostgresStore {
    async fn session_facts(
        &self,
        session_ids: &[SessionId],
    ) -> Result<Vec<SessionFacts>, StoreError> {
        let query =
            sqlx::query(include_str!("../queries/event_facts.sql")).bind(uuids(session_ids));
        let rows = self.events.all(query).await?;
        Ok(rows.iter().map(facts).collect::<Result<_, _>>()?)
    }

    async fn unsettled_sessions(
        &self,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionId>, StoreError> {
        Ok(unsettled_sessions(&self.events, after, limit).await?)
    }

    async fn insert_events(&self, events: &[Event]) -> Result<u64, StoreError> {
        Ok(count(&self.events, insertion(events)).await?)
    }

    async fn settle_sessions(&self, session_ids: &[SessionId]) -> Result<(), StoreError> {
        let query =
            sqlx::query(include_str!("../queries/session_settle.sql")).bind(uuids(session_ids));
        self.events.all(query).await?;
        Ok(())
    }

    async fn prune_events(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let query = sqlx::query(include_str!("../queries/event_prune.sql"))
            .bind(before.to_datetime())
            .bind(i64::from(limit));
        Ok(count(&self.events, query).await?)
    }

    async fn report(&self, query: AnalyticsQuery) -> Result<AnalyticsReport, StoreError> {
        let _turn = self.report_turns.next().await?;
        Ok(analytics::report(&self.reports, &query).await?)
    }

    async fn prepare_reports(&self) -> Result<bool, StoreError> {
        Ok(analytics::sum_up(&self.reports).await?)
    }
}

fn uuids(session_ids: &[SessionId]) -> Vec<Uuid> {
    session_ids.iter().map(|id| id.0).collect()
}

async fn unsettled_sessions(
    db: &Database,
    after: Option<SessionId>,
    limit: u32,
) -> Result<Vec<SessionId>, Error> {
    let query = sqlx::query(include_str!("../queries/session_list_unsettled.sql"))
        .bind(after.map(|id| id.0).unwrap_or_default())
        .bind(i64::from(limit));
    let rows = db.all(query).await?;
    rows.iter()
        .map(|row| Ok(SessionId(row.try_get(0)?)))
        .collect()
}

fn insertion(events: &[Event]) -> Query {
    let column = |of: fn(&Event) -> Uuid| events.iter().map(of).collect::<Vec<_>>();
    let types: Vec<_> = events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect();
    let metadata: Vec<_> = events
        .iter()
        .map(|event| Json(event.metadata.clone()))
        .collect();
    let times: Vec<_> = events
        .iter()
        .map(|event| event.created_at.to_datetime())
        .collect();
    sqlx::query(include_str!("../queries/event_insert.sql"))
        .bind(column(|event| event.id.0))
        .bind(column(|event| event.session_id.0))
        .bind(types)
        .bind(metadata)
        .bind(times)
}

/// Of a statement that says how many.
async fn count(db: &Database, query: Query) -> Result<u64, Error> {
    let row = db.first(query).await?.ok_or(sqlx::Error::RowNotFound)?;
    decode::unsigned(&row, 0)
}

/// `id, user_id, status, declared_file_count, declared_bytes, created_at, expires_at, cancelled_at,
/// finalized_at, finalize_refusals`, five arrays of files, and one of event ids.
fn facts(row: &PgRow) -> Result<SessionFacts, Error> {
    let written: Vec<Uuid> = row.try_get(15)?;
    Ok(SessionFacts {
        session_id: SessionId(row.try_get(0)?),
        user_id: UserId::new(decode::text(row, 1)?),
        status: decode::parsed(row, 2)?,
        file_count: decode::unsigned(row, 3)?,
        total_size_bytes: decode::unsigned(row, 4)?,
        created_at: decode::timestamp(row, 5)?,
        expires_at: decode::timestamp(row, 6)?,
        cancelled_at: optional_timestamp(row, 7)?,
        finalized_at: optional_timestamp(row, 8)?,
        refusals: refusals(row, 9)?,
        files: files(row, 10)?,
        written: written.into_iter().map(EventId).collect(),
    })
}

fn optional_timestamp(row: &PgRow, at: usize) -> Result<Option<Timestamp>, Error> {
    let time: Option<OffsetDateTime> = row.try_get(at)?;
    Ok(time.map(Timestamp::from_datetime))
}

fn refusals(row: &PgRow, at: usize) -> Result<Vec<(String, Timestamp)>, Error> {
    if !decode::is_present(row, at)? {
        return Ok(Vec::new());
    }
    let refusals: std::collections::BTreeMap<String, i64> = decode::json(row, at)?;
    let refusals = refusals.into_iter();
    Ok(refusals
        .map(|(reason, unix_ms)| (reason, Timestamp::from_unix_ms(unix_ms)))
        .collect())
}

/// `ids, categories, sizes_bytes, registered_at, completed_at`, arrays from column `at`.
fn files(row: &PgRow, at: usize) -> Result<Vec<FileFacts>, Error> {
    if !decode::is_present(row, at)? {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = row.try_get(at)?;
    let categories: Vec<String> = row.try_get(at + 1)?;
    let sizes: Vec<i64> = row.try_get(at + 2)?;
    let registered: Vec<OffsetDateTime> = row.try_get(at + 3)?;
    let completed: Vec<Option<OffsetDateTime>> = row.try_get(at + 4)?;
    let named = ids.into_iter().zip(categories).zip(sizes);
    named
        .zip(registered)
        .zip(completed)
        .map(|((((id, category), size), registered_at), completed_at)| {
            Ok(FileFacts {
                file_id: FileId(id),
                category: category.parse().map_err(
                    |cause: moc_uploads_core::file::UnknownName| decode::unreadable(at + 1, cause),
                )?,
                size_bytes: u64::try_from(size)
                    .map_err(|cause| decode::unreadable(at + 2, cause))?,
                registered_at: Timestamp::from_datetime(registered_at),
                completed_at: completed_at.map(Timestamp::from_datetime),
            })
        })
        .collect()
}
