//! Servers of another make that tests start.

use std::path::{Path, PathBuf};

/// Whether tests that need a server of another make are to be left out:
/// `MOC_TEST_SKIP_EXTERNAL=1`. Never in CI.
pub fn is_skipped() -> bool {
    std::env::var_os("MOC_TEST_SKIP_EXTERNAL").is_some_and(|value| value == "1")
}

/// Where they keep their files: in memory where there is plenty and files there can have what
/// `is_enough` looks for.
pub(crate) fn parent_folder(is_enough: impl FnOnce(&Path) -> bool) -> PathBuf {
    const PLENTY_BYTES: u64 = 2 << 30;
    let memory = Path::new("/dev/shm");
    match rustix::fs::statvfs(memory) {
        Ok(space) if space.f_bavail * space.f_frsize >= PLENTY_BYTES && is_enough(memory) => {
            memory.to_owned()
        }
        _ => std::env::temp_dir(),
    }
}
