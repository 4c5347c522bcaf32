//! Folders that are replaced as a whole.

use std::path::Path;
use std::{fs, io};

use tempfile::TempDir;

use crate::error::Error;

/// A new folder in the same place, so that it can be renamed. It goes away when it is dropped.
pub(crate) fn beside(folder: &Path) -> Result<TempDir, Error> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    tempfile::Builder::new()
        .prefix(&format!(".{name}-"))
        .tempdir_in(parent)
        .map_err(|error| Error::io("create a folder in", parent, error))
}

/// Puts a new folder in the place of one that may be there. At any time one of the two is there,
/// whole, where the system can exchange folders; Linux can.
pub(crate) fn swap(new: TempDir, folder: &Path) -> Result<(), Error> {
    let failed = |error| Error::io("replace", folder, error);
    // Temporary folders are for their owner alone.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(new.path(), fs::Permissions::from_mode(0o755)).map_err(failed)?;
    }
    match fs::rename(new.path(), folder) {
        Ok(()) => {
            // There is nothing left to remove.
            let _ = new.keep();
            return Ok(());
        }
        Err(error) if !folder.is_dir() => return Err(failed(error)),
        Err(_) => {}
    }
    exchange(new.path(), folder).map_err(failed)?;
    keep_modules(new.path(), folder).map_err(failed)?;
    // What is left in `new` is the old folder.
    new.close().map_err(failed)
}

#[cfg(target_os = "linux")]
fn exchange(new: &Path, folder: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, new, CWD, folder, RenameFlags::EXCHANGE)?)
}

#[cfg(not(target_os = "linux"))]
fn exchange(new: &Path, folder: &Path) -> io::Result<()> {
    let aside = new.with_extension("old");
    fs::rename(folder, &aside)?;
    if let Err(error) = fs::rename(new, folder) {
        fs::rename(&aside, folder)?;
        return Err(error);
    }
    fs::rename(&aside, new)
}

/// What npm has installed in the folder stays there.
fn keep_modules(old: &Path, folder: &Path) -> io::Result<()> {
    match fs::rename(old.join("node_modules"), folder.join("node_modules")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            // The new folder may have brought its own.
            if folder.join("node_modules").is_dir() {
                Ok(())
            } else {
                Err(error)
            }
        }
        _ => Ok(()),
    }
}
