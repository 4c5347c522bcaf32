//! A store whose folder the test can look into.

use std::fs;
use std::path::{Path, PathBuf};

use moc_uploads_blob_disk::{DiskStore, OpenError};
use moc_uploads_core::ids::FileId;
use moc_uploads_core::ports::Upload;
use tempfile::TempDir;

/// Where clients reach the server.
pub(crate) const BASE_URL: &str = "http://127.0.0.1:3000";

/// A store and its folder.
pub(crate) struct Disk {
    pub(crate) store: DiskStore,
    pub(crate) folder: TempDir,
}

impl Disk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: DiskStore::open(folder.path(), BASE_URL).unwrap(),
            folder,
        }
    }

    /// As a new process finds it. Work that nobody waits for any more may still hold the store.
    pub(crate) async fn reopen(self) -> Self {
        let Self { store, folder } = self;
        drop(store);
        loop {
            match DiskStore::open(folder.path(), BASE_URL) {
                Ok(store) => return Self { store, folder },
                Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Files and folders in the shards, without the shards themselves.
    pub(crate) fn held(&self) -> Vec<PathBuf> {
        let mut held = Vec::new();
        for kind in ["uploads", "objects"] {
            for shard in entries(&self.folder.path().join(kind)) {
                held.extend(entries(&shard));
            }
        }
        held
    }

    /// The path of an upload's data file, whether it is there or not.
    pub(crate) fn data(&self, upload: &Upload) -> PathBuf {
        self.path("uploads", upload, "")
    }

    /// The path of an upload's re-sent parts.
    pub(crate) fn parts(&self, upload: &Upload) -> PathBuf {
        self.path("uploads", upload, "+parts")
    }

    /// The path of its object.
    pub(crate) fn object(&self, upload: &Upload) -> PathBuf {
        self.path("objects", upload, "")
    }

    fn path(&self, kind: &str, upload: &Upload, suffix: &str) -> PathBuf {
        let key = upload.key.as_str();
        let (_, id) = key.rsplit_once('/').unwrap();
        let FileId(id) = id.split_once('.').unwrap().0.parse().unwrap();
        let shard = (id.as_u128() >> 80) / 8192 % 256;
        let name = key.replace('/', "~") + suffix;
        self.folder
            .path()
            .join(kind)
            .join(format!("{shard:02x}"))
            .join(name)
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}
