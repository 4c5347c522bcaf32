//! Threads that read, each with a connection of its own. None waits for the writer.

use std::sync::Arc;
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::error::Error;
use crate::queue::Queue;
use crate::sql::Db;
use crate::task::Job;

/// Reads take microseconds: a few threads are enough, and each has a page cache.
pub(crate) const COUNT: usize = 3;

pub(crate) fn spawn(
    connection: Connection,
    queue: Arc<Queue<Job>>,
) -> Result<JoinHandle<()>, Error> {
    let thread = std::thread::Builder::new()
        .name("sqlite-reader".to_owned())
        .spawn(move || {
            let db = Db::new(&connection);
            while let Some(mut job) = queue.take(1).pop() {
                job.run(&db);
                job.answer(None);
            }
        })?;
    Ok(thread)
}
