//! What the store holds.

use std::collections::BTreeSet;
use std::io;

use moc_uploads_core::object_key::ObjectKey;

use crate::error::if_found;
use crate::layout::{Layout, SHARD_COUNT, key_of, shard_of};

/// At most `limit` keys of uploads and objects after `after`, by shard and key.
pub(crate) fn list_keys(
    layout: &Layout,
    after: Option<&ObjectKey>,
    limit: usize,
) -> io::Result<Vec<ObjectKey>> {
    let mut page = Vec::new();
    for shard in after.map_or(0, shard_of)..SHARD_COUNT {
        let room = limit - page.len();
        if room == 0 {
            break;
        }
        let after = after.filter(|after| shard_of(after) == shard);
        let mut keys = BTreeSet::new();
        for folder in layout.shard_folders(shard) {
            let Some(entries) = if_found(std::fs::read_dir(folder))? else {
                continue;
            };
            for entry in entries {
                let Some(key) = entry?.file_name().to_str().and_then(key_of) else {
                    continue;
                };
                // Nobody looks for it here, and the next page would begin in its own shard.
                if shard_of(&key) != shard {
                    continue;
                }
                if after.is_none_or(|after| *after < key) {
                    keys.insert(key);
                }
                if keys.len() > room {
                    keys.pop_last();
                }
            }
        }
        page.extend(keys);
    }
    Ok(page)
}
