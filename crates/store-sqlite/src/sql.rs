//! Statements, prepared once per connection.

use rusqlite::{Connection, Params, Row};

use crate::error::Error;

/// How many rows changed.
pub(crate) fn execute(
    db: &Connection,
    statement: &str,
    params: impl Params,
) -> rusqlite::Result<usize> {
    db.prepare_cached(statement)?.execute(params)
}

pub(crate) fn all<T>(
    db: &Connection,
    query: &str,
    params: impl Params,
    decode: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    db.prepare_cached(query)?
        .query_and_then(params, decode)?
        .collect()
}

pub(crate) fn first<T>(
    db: &Connection,
    query: &str,
    params: impl Params,
    decode: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    db.prepare_cached(query)?
        .query_and_then(params, decode)?
        .next()
        .transpose()
}

/// For `SELECT EXISTS (...)`.
pub(crate) fn exists(db: &Connection, query: &str, params: impl Params) -> rusqlite::Result<bool> {
    db.prepare_cached(query)?
        .query_row(params, |row| row.get(0))
}

/// As SQLite keeps numbers.
pub(crate) fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| Error::OutOfRange(value))
}
