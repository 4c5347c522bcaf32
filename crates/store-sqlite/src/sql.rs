//! Statements, prepared once per connection.

use std::cell::RefCell;
use std::ops::Deref;
use std::ptr;

use rusqlite::{Connection, Params, PrepFlags, Row, Statement};

use crate::error::Error;

/// A connection, and the statements that it has run. Each keeps what was bound to it last: the next
/// run binds all anew.
pub(crate) struct Db<'c> {
    connection: &'c Connection,
    /// Each known by where its text is: they are constants, and few.
    statements: RefCell<Vec<(&'static str, Statement<'c>)>>,
}

impl<'c> Db<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            statements: RefCell::default(),
        }
    }

    /// `run` must not come back here: a statement is run by one at a time.
    fn with<T, E: From<rusqlite::Error>>(
        &self,
        statement: &'static str,
        run: impl FnOnce(&mut Statement<'c>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut statements = self.statements.borrow_mut();
        let known = statements
            .iter()
            .position(|(text, _)| ptr::eq(*text, statement));
        let at = match known {
            Some(at) => at,
            None => {
                let flags = PrepFlags::SQLITE_PREPARE_PERSISTENT;
                let prepared = self.connection.prepare_with_flags(statement, flags)?;
                statements.push((statement, prepared));
                statements.len() - 1
            }
        };
        run(&mut statements[at].1)
    }
}

impl Deref for Db<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// How many rows changed.
pub(crate) fn execute(
    db: &Db<'_>,
    statement: &'static str,
    params: impl Params,
) -> rusqlite::Result<usize> {
    db.with(statement, |statement| statement.execute(params))
}

pub(crate) fn all<T>(
    db: &Db<'_>,
    query: &'static str,
    params: impl Params,
    decode: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    db.with(query, |query| {
        query.query_and_then(params, decode)?.collect()
    })
}

pub(crate) fn first<T>(
    db: &Db<'_>,
    query: &'static str,
    params: impl Params,
    decode: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    db.with(query, |query| {
        query.query_and_then(params, decode)?.next().transpose()
    })
}

/// For `SELECT EXISTS (...)`.
pub(crate) fn exists(
    db: &Db<'_>,
    query: &'static str,
    params: impl Params,
) -> rusqlite::Result<bool> {
    db.with(query, |query| query.query_row(params, |row| row.get(0)))
}

/// As SQLite keeps numbers.
pub(crate) fn signed(value: u64) -> Result<i64, Error> {
    i64::try_from(value).map_err(|_| Error::OutOfRange(value))
}
