//! Which database a store belongs to.

use std::io;
use std::sync::Arc;

use moc_uploads_core::ports::ObjectStoreError;

use crate::error::{blocking, if_found, store_error};
use crate::layout::Layout;
use crate::open::write_for_good;
use crate::store::Inner;

const DATABASE_FILE: &str = "database.id";

/// Leftovers are told from files by the database: with another one everything would look left
/// over. The first to come is remembered.
pub(crate) async fn bind(inner: &Arc<Inner>, database_id: &str) -> Result<bool, ObjectStoreError> {
    let (inner, database_id) = (Arc::clone(inner), database_id.to_owned());
    blocking(move || bind_blocking(&inner.layout, &database_id))
        .await?
        .map_err(store_error)
}

fn bind_blocking(layout: &Layout, database_id: &str) -> io::Result<bool> {
    let path = layout.root().join(DATABASE_FILE);
    match if_found(std::fs::read_to_string(path))? {
        Some(bound) => Ok(bound == database_id),
        None => {
            write_for_good(layout.root(), DATABASE_FILE, database_id.as_bytes())?;
            Ok(true)
        }
    }
}
