//! The one place where a [`TestApp`](super::TestApp) gets its stores from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moc_uploads_core::ports::{ObjectStore, SessionStore};

pub(super) struct Stores {
    pub(super) sessions: Arc<dyn SessionStore>,
    pub(super) objects: Arc<dyn ObjectStore>,
}

/// Fresh stores in an empty folder.
pub(super) async fn open(folder: &Path) -> Stores {
    let _ = folder;
    unimplemented!()
}

/// Where the object store keeps what it keeps.
pub(super) fn objects_folder(folder: &Path) -> PathBuf {
    folder.join("objects")
}
