//! The rows of the seed document (CONTRACT section 4).

use moc_uploads_core::time::Timestamp;
use rusqlite::Batch;
use rusqlite::fallible_iterator::FallibleIterator;

use crate::error::Error;
use crate::sql::Db;

pub(crate) fn seed(db: &Db<'_>, now: Timestamp) -> Result<(), Error> {
    let mut batch = Batch::new(db, include_str!("../seeds/story_01723.sql"));
    while let Some(mut statement) = batch.next()? {
        if let Some(index) = statement.parameter_index(":now")? {
            statement.raw_bind_parameter(index, now.unix_ms())?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}
