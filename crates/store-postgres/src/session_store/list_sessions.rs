//! A user's sessions.

use moc_uploads_core::ports::{SessionPage, SessionQuery};
use moc_uploads_core::session::{SessionStatus, SessionSummary};
use sqlx::postgres::PgRow;

use crate::decode;
use crate::error::Error;
use crate::sql::Database;

const MOC: usize = decode::SESSION_COLUMNS + 3;
const TOTAL: usize = MOC + decode::MOC_COLUMNS;

/// As of the caller's time: what comes of it shows the status as of that, too.
pub(super) async fn list_sessions(
    db: &Database,
    query: &SessionQuery,
) -> Result<SessionPage, Error> {
    let statement = sqlx::query(include_str!("../../queries/session_list.sql"))
        .bind(query.user_id.as_str().to_owned())
        .bind(query.status.map(SessionStatus::as_str))
        .bind(query.now.to_datetime())
        .bind(i64::from(query.limit))
        .bind(i64::try_from(query.offset).unwrap_or(i64::MAX));
    let rows = db.all_planned(statement).await?;
    let first = rows.first().ok_or(sqlx::Error::RowNotFound)?;
    Ok(SessionPage {
        total: decode::unsigned(first, TOTAL)?,
        sessions: rows
            .iter()
            .filter_map(|row| summary(row).transpose())
            .collect::<Result<_, _>>()?,
    })
}

fn summary(row: &PgRow) -> Result<Option<SessionSummary>, Error> {
    if !decode::is_present(row, 0)? {
        return Ok(None);
    }
    Ok(Some(SessionSummary {
        session: decode::session(row)?,
        file_count: decode::unsigned(row, decode::SESSION_COLUMNS)?,
        bytes_total: decode::unsigned(row, decode::SESSION_COLUMNS + 1)?,
        bytes_received: decode::unsigned(row, decode::SESSION_COLUMNS + 2)?,
        moc: decode::optional_moc(row, MOC)?,
    }))
}
