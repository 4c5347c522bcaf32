//! In which shards the files of a store lie.

use std::fs;
use std::io;

use crate::error::if_found;
use crate::layout::{Layout, SHARD_COUNT, sync_folder};
use crate::open::write_for_good;

const VERSION_FILE: &str = "layout.version";
/// By the time of the upload. Stores without the file have them by a hash of the key.
const VERSION: &str = "2";

/// Brings a store up to date that an earlier program has written. When it is broken off, the next start
/// goes on with it.
///
/// # Errors
/// A store that a newer program has written. Those of the file system.
pub(crate) fn bring_up_to_date(layout: &Layout) -> io::Result<()> {
    let version = if_found(fs::read_to_string(layout.root().join(VERSION_FILE)))?;
    match version.as_deref().map(str::trim) {
        Some(VERSION) => return Ok(()),
        Some(other) => {
            return Err(io::Error::other(format!(
                "{VERSION_FILE} says {other:?} where this program knows {VERSION:?}; start a newer \
                 program"
            )));
        }
        None => {}
    }
    let mut moved_count = 0;
    for shard in 0..SHARD_COUNT {
        let count = layout.rehome(shard)?;
        if moved_count == 0 && count > 0 {
            tracing::info!("moving stored files to the folders of this version");
        }
        moved_count += count;
    }
    for folder in (0..SHARD_COUNT).flat_map(|shard| layout.shard_folders(shard)) {
        if_found(sync_folder(folder))?;
    }
    if moved_count > 0 {
        tracing::info!(moved_count, "stored files moved");
    }
    write_for_good(layout.root(), VERSION_FILE, VERSION.as_bytes())
}
