//! The folder of the embedded database and of the disk store.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::Report;

const FOLDER: &str = "data folder";
const SPACE: &str = "disk space";

const ADVICE: &str = "Set DATA_DIR to a folder that this user may write to, or change its owner.";
const FULL: &str = "The disk is full: make room, or set DATA_DIR to a folder on another one.";
const READ_ONLY: &str =
    "It is mounted read-only: mount it for writing, or set DATA_DIR to a folder elsewhere.";

/// With less there is hardly room for a few uploads.
const SCARCE_BYTES: u64 = 1 << 30;

const GIB: f64 = (1u64 << 30) as f64;

pub(super) fn files(data_dir: &Path, report: &mut Report) {
    let shown = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    let existing = shown.ancestors().find(|path| path.exists());
    let Some(existing) = existing.filter(|path| path.is_dir()) else {
        report.wrong(
            FOLDER,
            format!("{} can't be a folder", shown.display()),
            ADVICE,
        );
        return;
    };
    match try_to_write(existing) {
        Ok(()) if existing == shown => {
            report.ok(FOLDER, format!("{} can be written", shown.display()));
        }
        Ok(()) => report.ok(
            FOLDER,
            format!("{} will be made at the first start", shown.display()),
        ),
        Err(error) => report.wrong(
            FOLDER,
            format!("{}: {error}", existing.display()),
            advice(error.kind()),
        ),
    }
    space(existing, report);
}

fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FULL,
        ErrorKind::ReadOnlyFilesystem => READ_ONLY,
        _ => ADVICE,
    }
}

/// Bytes that reach the disk; the file is gone afterwards, whatever happens.
fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(b"doctor")?;
    file.sync_all()
}

fn space(folder: &Path, report: &mut Report) {
    let (free_bytes, free_files) = match rustix::fs::statvfs(folder) {
        Ok(disk) => (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_favail),
        Err(error) => {
            report.warning(SPACE, error.to_string(), "Look at it with `df`.");
            return;
        }
    };
    let finding = format!("{:.1} GiB free", free_bytes as f64 / GIB);
    const SCARCE: &str = "Uploads are refused with 503 when it runs out; give DATA_DIR more.";
    // Some file systems count no files.
    if (1..1000).contains(&free_files) {
        let finding = format!("{finding}, room for {free_files} files");
        report.warning(SPACE, finding, SCARCE);
    } else if free_bytes < SCARCE_BYTES {
        report.warning(SPACE, finding, SCARCE);
    } else {
        report.ok(SPACE, finding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_matter_of_rights() {
        for (errno, expected) in [
            (rustix::io::Errno::NOSPC, FULL),
            (rustix::io::Errno::DQUOT, FULL),
            (rustix::io::Errno::ROFS, READ_ONLY),
            (rustix::io::Errno::ACCESS, ADVICE),
        ] {
            let error = std::io::Error::from(errno);
            assert_eq!(advice(error.kind()), expected, "{error}");
        }
    }
}
