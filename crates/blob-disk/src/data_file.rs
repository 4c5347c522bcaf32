//! The file that parts are written to in place, past the page cache where that serves better.
//!
//! Bytes that go through the page cache are copied to pages that are found, filled, written back
//! and reclaimed, all by processors that have uploads to serve, while writers of one file wait for
//! each other and every sync for what the others have written. Straight to the disk they cost a
//! fraction of that, and the cache is left to what is read.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, OFlags, fallocate, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use crate::batch::ALIGNMENT;

/// Below this, waiting for the disk costs more than the page cache.
const MIN_BYTES: u64 = 1024 * 1024;

pub(crate) struct DataFile {
    file: File,
    is_direct: bool,
}

impl DataFile {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            is_direct: false,
        }
    }

    /// Allocates these bytes, so that others may write elsewhere in the file at the same time, and
    /// writes directly from here on, unless the page cache serves better or the file system knows
    /// no other way.
    pub(crate) fn go_direct(&mut self, offset: u64, len: u64) -> io::Result<()> {
        if len < MIN_BYTES || !offset.is_multiple_of(ALIGNMENT as u64) {
            return Ok(());
        }
        match fallocate(&self.file, FallocateFlags::empty(), offset, len) {
            Ok(()) => self.is_direct = self.set_direct(true).is_ok(),
            Err(error @ (Errno::NOSPC | Errno::DQUOT | Errno::IO)) => return Err(error.into()),
            Err(_) => (),
        }
        Ok(())
    }

    /// Writes all of the bytes. An end that is not aligned goes through the page cache, and so
    /// does what follows it.
    pub(crate) fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let aligned = bytes.len() / ALIGNMENT * ALIGNMENT;
        let mut written = 0;
        while self.is_direct && written < aligned {
            match rustix::io::pwrite(
                &self.file,
                &bytes[written..aligned],
                offset + written as u64,
            ) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(Errno::INTR) => continue,
                // It takes the flag, but not the bytes.
                Err(Errno::INVAL) => self.end_direct()?,
                Err(error) => return Err(error.into()),
            }
            if !written.is_multiple_of(ALIGNMENT) {
                self.end_direct()?;
            }
        }
        if written == bytes.len() {
            return Ok(());
        }
        if self.is_direct {
            self.end_direct()?;
        }
        self.file
            .write_all_at(&bytes[written..], offset + written as u64)
    }

    /// Whether bytes go past the page cache.
    pub(crate) fn is_direct(&self) -> bool {
        self.is_direct
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Gives the bytes back to the file system.
    pub(crate) fn punch_hole(&self, offset: u64, len: u64) -> io::Result<()> {
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        Ok(fallocate(&self.file, hole, offset, len)?)
    }

    fn end_direct(&mut self) -> io::Result<()> {
        self.is_direct = false;
        Ok(self.set_direct(false)?)
    }

    fn set_direct(&self, is_direct: bool) -> rustix::io::Result<()> {
        let mut flags = fcntl_getfl(&self.file)?;
        flags.set(OFlags::DIRECT, is_direct);
        fcntl_setfl(&self.file, flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use bytes::Bytes;

    /// Also from an address that direct I/O does not take, and after an end that is not aligned.
    #[test]
    fn whatever_is_not_aligned_arrives_too() {
        let bytes: Vec<u8> = (0..MIN_BYTES + 5).map(|byte| (byte % 251) as u8).collect();
        let (first, second) = (bytes.len() / 2 / ALIGNMENT * ALIGNMENT, bytes.len() - 3);
        let mut aligned = Batch::default();
        aligned.clear(first);
        aligned.take_from(&mut Bytes::copy_from_slice(&bytes[..first]));
        let slices = [aligned.bytes(), &bytes[first..second], &bytes[second..]];

        for start in [0, ALIGNMENT as u64, 7] {
            let file = tempfile::tempfile().unwrap();
            let mut data = DataFile::new(file.try_clone().unwrap());
            data.go_direct(start, bytes.len() as u64).unwrap();
            let mut offset = start;
            for slice in slices {
                data.write_all_at(slice, offset).unwrap();
                offset += slice.len() as u64;
            }
            assert!(!data.is_direct());
            let mut found = vec![0; bytes.len()];
            file.read_exact_at(&mut found, start).unwrap();
            assert!(found == bytes, "from {start}");
            assert_eq!(file.metadata().unwrap().len(), offset);
        }
    }
}
