//! Where things lie under the store's root, and how they get there for good.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use moc_uploads_core::object_key::ObjectKey;

/// Neither occurs in an object key, so that names and keys translate both ways and the folder of
/// one upload's parts is never the file of another.
const SLASH: &str = "~";
const PARTS: &str = "+parts";

/// How many folders share the names: folders that grow get slow.
pub(crate) const SHARD_COUNT: u16 = 256;

/// The store's paths.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    root: PathBuf,
    uploads: PathBuf,
    objects: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            uploads: root.join("uploads"),
            objects: root.join("objects"),
            root,
        }
    }

    /// Makes what is missing and syncs it.
    pub(crate) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.root)?;
        if let Ok(absolute) = self.root.canonicalize()
            && let Some(parent) = absolute.parent()
        {
            sync_folder(parent)?;
        }
        for folder in [&self.uploads, &self.objects] {
            for shard in 0..SHARD_COUNT {
                fs::create_dir_all(folder.join(shard_name(shard)))?;
            }
            sync_folder(folder)?;
        }
        sync_folder(&self.root)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that holds an upload.
    pub(crate) fn upload_folder(&self, key: &ObjectKey) -> PathBuf {
        self.uploads.join(shard_name(shard_of(key)))
    }

    /// The file that parts are written to.
    pub(crate) fn data(&self, key: &ObjectKey) -> PathBuf {
        self.upload_folder(key).join(name_of(key))
    }

    /// The folder of re-sent parts.
    pub(crate) fn parts(&self, key: &ObjectKey) -> PathBuf {
        self.upload_folder(key).join(name_of(key) + PARTS)
    }

    /// The folder that holds an object.
    pub(crate) fn object_folder(&self, key: &ObjectKey) -> PathBuf {
        self.objects.join(shard_name(shard_of(key)))
    }

    /// A whole file.
    pub(crate) fn object(&self, key: &ObjectKey) -> PathBuf {
        self.object_folder(key).join(name_of(key))
    }

    /// The folders of one shard.
    pub(crate) fn shard_folders(&self, shard: u16) -> [PathBuf; 2] {
        [&self.uploads, &self.objects].map(|folder| folder.join(shard_name(shard)))
    }
}

/// The shard of a key.
pub(crate) fn shard_of(key: &ObjectKey) -> u16 {
    (crc_fast::crc64_nvme(key.as_str().as_bytes()) % u64::from(SHARD_COUNT)) as u16
}

/// The key that a name in a shard stands for; `None` for what is not ours.
pub(crate) fn key_of(name: &str) -> Option<ObjectKey> {
    let name = name.strip_suffix(PARTS).unwrap_or(name);
    ObjectKey::parse(&name.replace(SLASH, "/"))
}

fn name_of(key: &ObjectKey) -> String {
    key.as_str().replace('/', SLASH)
}

fn shard_name(shard: u16) -> String {
    format!("{shard:02x}")
}

/// Makes the names in a folder survive power loss.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_stay_in_their_folder_and_lead_back_to_their_key(
            key in "[A-Za-z0-9._-]{1,60}(/[A-Za-z0-9._-]{1,60}){0,3}",
        ) {
            let Some(key) = ObjectKey::parse(&key) else { return Ok(()) };
            let layout = Layout::new("root".into());
            for (path, folder) in [
                (layout.data(&key), layout.upload_folder(&key)),
                (layout.parts(&key), layout.upload_folder(&key)),
                (layout.object(&key), layout.object_folder(&key)),
            ] {
                prop_assert_eq!(path.parent(), Some(folder.as_path()));
                let name = path.file_name().and_then(|name| name.to_str()).unwrap();
                prop_assert!(name.len() <= 255);
                prop_assert_eq!(key_of(name), Some(key.clone()));
            }
        }
    }

    #[test]
    fn what_is_not_ours_has_no_key() {
        for name in ["lost found", "..", "", "+parts", "a~..~b", "a~"] {
            assert_eq!(key_of(name), None, "{name:?}");
        }
    }
}
