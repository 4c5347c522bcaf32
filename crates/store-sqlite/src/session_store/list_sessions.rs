//! A user's sessions.

use moc_uploads_core::ports::{SessionPage, SessionQuery};
use moc_uploads_core::session::{SessionStatus, SessionSummary};

use crate::decode;
use crate::error::Error;
use crate::sql::{self, Db};

pub(super) fn list_sessions(db: &Db<'_>, query: &SessionQuery) -> Result<SessionPage, Error> {
    // Page and total as of one moment.
    let _snapshot = db.unchecked_transaction()?;
    let user_id = query.user_id.as_str();
    let status = query.status.map(SessionStatus::as_str);
    let now = query.now.unix_ms();
    let total = sql::first(
        db,
        include_str!("../../queries/session_count.sql"),
        (user_id, status, now),
        |row| decode::unsigned(row, 0),
    )?;
    let offset = i64::try_from(query.offset).unwrap_or(i64::MAX);
    let sessions = sql::all(
        db,
        include_str!("../../queries/session_list.sql"),
        (user_id, status, now, query.limit, offset),
        |row| {
            Ok(SessionSummary {
                session: decode::session(row)?,
                file_count: decode::unsigned(row, decode::SESSION_COLUMNS)?,
                bytes_total: decode::unsigned(row, decode::SESSION_COLUMNS + 1)?,
                bytes_received: decode::unsigned(row, decode::SESSION_COLUMNS + 2)?,
                moc: decode::optional_moc(row, decode::SESSION_COLUMNS + 3)?,
            })
        },
    )?;
    Ok(SessionPage {
        sessions,
        total: total.unwrap_or(0),
    })
}
