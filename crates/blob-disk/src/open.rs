//! Opening a store.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::thread::available_parallelism;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use crate::error::if_found;
use crate::layout::{Layout, sync_folder};
use crate::presign::{KEY_LEN, Presigner};
use crate::store::{DiskStore, Inner};
use crate::uploads::Uploads;
use crate::version::bring_up_to_date;

const KEY_FILE: &str = "presign.key";

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Bytes in flight are known to one process only.
    #[error(
        "another process is using the object store in {}; stop it, or choose another folder",
        .0.display()
    )]
    InUse(PathBuf),
    /// Somebody else wrote the key.
    #[error(
        "{} is not a key of {KEY_LEN} bytes; remove it to have a new one made, which ends all \
         presigned URLs given out",
        .0.display()
    )]
    DamagedKey(PathBuf),
    /// The folder can't be used.
    #[error("can't use {} as an object store: {error}", .folder.display())]
    Io {
        /// The store's root.
        folder: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
}

impl DiskStore {
    /// Opens the store in the folder `root`, which is made when it is missing. `public_base_url`
    /// is where clients reach this server, with or without a slash at its end.
    ///
    /// Reads and writes the disk; it may block for some milliseconds, and for longer the first time that
    /// a store of an earlier version is opened, whose files it moves.
    ///
    /// # Errors
    /// [`OpenError::InUse`] while another process, or another store of this one, has it open.
    pub fn open(root: impl Into<PathBuf>, public_base_url: &str) -> Result<Self, OpenError> {
        let root = root.into();
        let io = |error| OpenError::Io {
            folder: root.clone(),
            error,
        };
        std::fs::create_dir_all(&root).map_err(io)?;
        let lock = File::create(root.join("lock")).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(root)),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        let layout = Layout::new(root.clone());
        layout.create().map_err(io)?;
        bring_up_to_date(&layout).map_err(io)?;
        let key = presign_key(&root)
            .map_err(io)?
            .ok_or_else(|| OpenError::DamagedKey(root.join(KEY_FILE)))?;
        Ok(Self(Arc::new(Inner {
            layout,
            uploads: Uploads::default(),
            presigner: Presigner::new(&key, public_base_url),
            running_puts: AtomicUsize::new(0),
            hashing: Arc::new(Semaphore::new(
                available_parallelism().map_or(1, usize::from),
            )),
            next_temporary: AtomicU64::new(0),
            _lock: lock,
        })))
    }
}

/// The key in `root`, made when there is none; `None` when what is there is no key.
fn presign_key(root: &Path) -> io::Result<Option<[u8; KEY_LEN]>> {
    let path = root.join(KEY_FILE);
    if let Some(found) = if_found(std::fs::read(&path))? {
        return Ok(found.try_into().ok());
    }
    let mut key = [0; KEY_LEN];
    SystemRandom::new()
        .fill(&mut key)
        .map_err(|_| io::Error::other("no random bytes"))?;
    write_for_good(root, KEY_FILE, &key)?;
    Ok(Some(key))
}

/// Writes a file that is there whole or not at all, for nobody else to read.
pub(crate) fn write_for_good(root: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let temporary = root.join(format!("{name}.new"));
    if_found(std::fs::remove_file(&temporary))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, root.join(name))?;
    sync_folder(root)
}
