//! Where things lie under the store's root, and how they get there for good.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use moc_uploads_core::ids::FileId;
use moc_uploads_core::object_key::ObjectKey;

use crate::error::if_found;

/// Neither occurs in an object key, so that names and keys translate both ways and the folder of
/// one upload's parts is never the file of another.
const SLASH: &str = "~";
const PARTS: &str = "+parts";

/// How many folders share the names: folders that grow get slow.
pub(crate) const SHARD_COUNT: u16 = 256;

/// For how long new files share a shard, as a power of 2 in milliseconds: 8 s.
const WINDOW_BITS: u32 = 13;
/// What of a version 7 UUID stands behind its Unix milliseconds.
const BITS_AFTER_TIME: u32 = 80;

/// Space that parts leave free, so that what ends uploads, and the database beside them, can still
/// write: this, or a twentieth of a small file system.
const RESERVED_BYTES: u64 = 64 * 1024 * 1024;

/// The store's paths.
pub(crate) struct Layout {
    root: PathBuf,
    uploads: Shards,
    objects: Shards,
}

/// Folders that share the names, each made when it is needed first.
struct Shards {
    folder: PathBuf,
    /// By shard.
    paths: Vec<PathBuf>,
    /// Those whose own name survives power loss.
    made: Mutex<HashSet<u16>>,
}

impl Shards {
    fn new(folder: PathBuf) -> Self {
        Self {
            paths: (0..SHARD_COUNT)
                .map(|shard| folder.join(format!("{shard:02x}")))
                .collect(),
            folder,
            made: Mutex::default(),
        }
    }

    fn path(&self, shard: u16) -> &Path {
        &self.paths[usize::from(shard)]
    }

    /// Where what belongs to a key lies. Built at once: every request needs some of these.
    fn path_to(&self, key: &ObjectKey, suffix: &str) -> PathBuf {
        let (folder, key_text) = (self.path(shard_of(key)).as_os_str(), key.as_str());
        let length = folder.len() + 1 + key_text.len() + suffix.len();
        let mut path = OsString::with_capacity(length);
        path.push(folder);
        let mut separator = MAIN_SEPARATOR_STR;
        for piece in key_text.split('/') {
            path.push(separator);
            path.push(piece);
            separator = SLASH;
        }
        path.push(suffix);
        path.into()
    }

    /// Locked until the new name is synced, so that nobody relies on it before.
    fn make(&self, shard: u16) -> io::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.contains(&shard) {
            return Ok(());
        }
        match fs::create_dir(self.path(shard)) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => sync_folder(&self.folder)?,
        }
        made.insert(shard);
        Ok(())
    }
}

impl Layout {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            uploads: Shards::new(root.join("uploads")),
            objects: Shards::new(root.join("objects")),
            root,
        }
    }

    /// Makes what is missing and syncs it.
    pub(crate) fn create(&self) -> io::Result<()> {
        fs::create_dir_all(&self.root)?;
        if let Some(parent) = self.root.canonicalize()?.parent() {
            sync_folder(parent)?;
        }
        fs::create_dir_all(&self.uploads.folder)?;
        fs::create_dir_all(&self.objects.folder)?;
        sync_folder(&self.root)
    }

    /// Whether parts may grow by so many bytes.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`].
    pub(crate) fn require_space(&self, bytes: u64) -> io::Result<()> {
        let disk = rustix::fs::statvfs(&self.root)?;
        let reserved = RESERVED_BYTES.min(disk.f_blocks.saturating_mul(disk.f_frsize) / 20);
        if disk.f_bavail.saturating_mul(disk.f_frsize) < reserved.saturating_add(bytes) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that holds an upload.
    pub(crate) fn upload_folder(&self, key: &ObjectKey) -> &Path {
        self.uploads.path(shard_of(key))
    }

    /// Makes the folder that holds an upload.
    pub(crate) fn make_upload_folder(&self, key: &ObjectKey) -> io::Result<()> {
        self.uploads.make(shard_of(key))
    }

    /// The file that parts are written to.
    pub(crate) fn data(&self, key: &ObjectKey) -> PathBuf {
        self.uploads.path_to(key, "")
    }

    /// The folder of re-sent parts.
    pub(crate) fn parts(&self, key: &ObjectKey) -> PathBuf {
        self.uploads.path_to(key, PARTS)
    }

    /// The folder that holds an object.
    pub(crate) fn object_folder(&self, key: &ObjectKey) -> &Path {
        self.objects.path(shard_of(key))
    }

    /// Makes the folder that holds an object.
    pub(crate) fn make_object_folder(&self, key: &ObjectKey) -> io::Result<()> {
        self.objects.make(shard_of(key))
    }

    /// A whole file.
    pub(crate) fn object(&self, key: &ObjectKey) -> PathBuf {
        self.objects.path_to(key, "")
    }

    /// The folders of one shard, whether they are there or not.
    pub(crate) fn shard_folders(&self, shard: u16) -> [&Path; 2] {
        [&self.uploads, &self.objects].map(|shards| shards.path(shard))
    }

    /// Moves what lies in this shard to the shards where it is looked for; how much. Not synced.
    pub(crate) fn rehome(&self, shard: u16) -> io::Result<u64> {
        let mut moved_count = 0;
        for shards in [&self.uploads, &self.objects] {
            let folder = shards.path(shard);
            let Some(entries) = if_found(fs::read_dir(folder))? else {
                continue;
            };
            // Read to its end before anything is taken out.
            let names: Vec<_> = entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<_>>()?;
            for name in names {
                let home = name.to_str().and_then(key_of).map(|key| shard_of(&key));
                let Some(home) = home.filter(|home| *home != shard) else {
                    continue;
                };
                let (found, home_path) = (folder.join(&name), shards.path(home).join(&name));
                if home_path.try_exists()? {
                    tracing::warn!(
                        path = %found.display(),
                        "a stored file stays where nobody looks for it: there is another one at its place"
                    );
                    continue;
                }
                shards.make(home)?;
                fs::rename(found, home_path)?;
                moved_count += 1;
            }
        }
        Ok(moved_count)
    }
}

/// The shard of a key: by the time in the id of the file that it ends with. What is uploaded at the
/// same time shares its folders, so that the file system has two of them to write when it syncs and
/// not two for each upload.
pub(crate) fn shard_of(key: &ObjectKey) -> u16 {
    let name = key.as_str().rsplit('/').next().unwrap_or_default();
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    let number = match stem.parse() {
        Ok(FileId(id)) => (id.as_u128() >> (BITS_AFTER_TIME + WINDOW_BITS)) as u64,
        Err(_) => crc_fast::crc64_nvme(key.as_str().as_bytes()),
    };
    (number % u64::from(SHARD_COUNT)) as u16
}

/// The key that a name in a shard stands for; `None` for what is not ours.
pub(crate) fn key_of(name: &str) -> Option<ObjectKey> {
    let name = name.strip_suffix(PARTS).unwrap_or(name);
    ObjectKey::parse(&name.replace(SLASH, "/"))
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
                prop_assert_eq!(path.parent(), Some(folder));
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
