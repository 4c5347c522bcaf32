//! The folder that runs write into.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

use crate::{GIB, MIB, Result, proc};

/// A fresh folder per run, all of them removed at the end and none before: where many files were
/// deleted, files are created slowly.
pub(crate) struct Scratch {
    root: PathBuf,
    count: u32,
}

impl Scratch {
    /// Below `target/bench`, on the file system of the checkout.
    ///
    /// # Errors
    /// When fewer than `needed_bytes` and a reserve are free there.
    pub(crate) fn new(needed_bytes: u64) -> Result<Self> {
        let parent = output_dir()?;
        remove_leftovers(&parent)?;
        let free_bytes = {
            let stat = rustix::fs::statvfs(&parent)?;
            stat.f_bavail * stat.f_frsize
        };
        if free_bytes < needed_bytes + 2 * GIB {
            return Err(format!(
                "{} has {} MiB free; this run writes {} MiB",
                parent.display(),
                free_bytes / MIB,
                needed_bytes / MIB
            )
            .into());
        }
        let root = parent.join(format!("scratch-{}", std::process::id()));
        fs::create_dir(&root)?;
        spread_folders(&root);
        Ok(Self { root, count: 0 })
    }

    /// A new, empty folder.
    pub(crate) fn fresh(&mut self) -> Result<PathBuf> {
        self.count += 1;
        // A name that no earlier run had: it decides where on the disk the folder lies.
        let name = format!("run-{}-{}", std::process::id(), self.count);
        let path = self.root.join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }

    /// Makes every page of memory belong to the guest: a virtual machine gives free memory back to
    /// its host and pays to touch it again, at a time of its own choosing. Reading a hole fills
    /// the page cache without touching the disk; the file stays until the end.
    pub(crate) fn fill_page_cache(&self) -> Result<()> {
        let mut file = File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(self.root.join("hole"))?;
        let bytes = proc::free_memory_bytes()?.min(64 * GIB);
        file.set_len(bytes)?;
        file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; MIB as usize];
        while proc::free_memory_bytes()? > 512 * MIB {
            for _ in 0..256 {
                if file.read(&mut buffer)? == 0 {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// `target/bench` of the workspace, created.
pub(crate) fn output_dir() -> Result<PathBuf> {
    let dir = workspace_root().join("target/bench");
    fs::create_dir_all(&dir)?;
    Ok(dir.canonicalize()?)
}

/// The checkout that this binary was built from.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Has the folders in this one lie far from one another, where the file system can (ext4). It looks
/// at the inodes that were deleted nearby for minutes whenever it makes a file, so that a run
/// would pay for what the command before it has removed.
fn spread_folders(root: &Path) {
    let spread = || -> std::io::Result<()> {
        let folder = File::open(root)?;
        let flags = ioctl_getflags(&folder)?;
        ioctl_setflags(&folder, flags | IFlags::TOPDIR)?;
        Ok(())
    };
    if let Err(error) = spread() {
        println!("runs may disturb one another: {error}");
    }
}

/// Folders of runs that were interrupted.
fn remove_leftovers(parent: &Path) -> Result<()> {
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix("scratch-"));
        if let Some(pid) = owner
            && !Path::new("/proc").join(pid).exists()
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
