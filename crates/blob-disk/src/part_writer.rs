//! A part on its way to the disk: the half of it that blocks.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{PutPart, PutPartError};
use rustix::fs::{FallocateFlags, fallocate};

use crate::digests::{DeclaredDigests, part_etag};
use crate::error::{PutFailure, if_found};
use crate::layout::sync_folder;
use crate::store::Inner;
use crate::uploads::{Claim, Overtaken, UploadState};

/// Versions of one part that are kept until its file is completed: which of them counts is for the
/// database to say. A client that means well sends the same bytes again.
const MAX_VERSIONS: usize = 8;

/// Writes one part. Dropping it gives the part up.
pub(crate) struct PartWriter {
    inner: Arc<Inner>,
    key: ObjectKey,
    part: PutPart,
    upload: Option<Arc<UploadState>>,
    target: Option<Target>,
    digests: DeclaredDigests,
    written_bytes: u64,
}

/// Where the bytes go.
enum Target {
    InPlace(InPlace),
    Beside { file: File, path: Temporary },
}

/// The part's own bytes in the data file: given back to the file system unless they were settled,
/// or a disk that is full would stay so.
struct InPlace {
    data: File,
    /// There until it is settled.
    claim: Option<Claim>,
    offset: u64,
    len: u64,
}

/// Removed unless it was renamed.
struct Temporary(PathBuf);

impl PartWriter {
    pub(crate) fn new(inner: Arc<Inner>, key: ObjectKey, part: PutPart) -> Self {
        Self {
            upload: Some(inner.uploads.get(&key)),
            digests: DeclaredDigests::new(&part.checksums),
            inner,
            key,
            part,
            target: None,
            written_bytes: 0,
        }
    }

    /// Appends to the part. The caller sees to it that the part does not get too long.
    pub(crate) fn write(&mut self, batch: &[Bytes]) -> Result<(), PutFailure> {
        let target = match self.target.take() {
            Some(target) => target,
            None => self.open()?,
        };
        let (file, start) = match &target {
            Target::InPlace(place) => (&place.data, place.offset),
            Target::Beside { file, .. } => (file, 0),
        };
        self.inner.layout.require_space()?;
        for chunk in batch {
            self.digests.update(chunk);
        }
        let write = || write_all_at(file, batch, start + self.written_bytes);
        self.written_bytes += match &target {
            Target::InPlace(place) => place.write(write)??,
            Target::Beside { .. } => write()?,
        };
        self.target = Some(target);
        Ok(())
    }

    /// The part is whole and has this CRC: checks its digests and makes it survive power loss.
    pub(crate) fn finish(mut self, crc: u64) -> Result<ETag, PutFailure> {
        let digests = std::mem::replace(&mut self.digests, DeclaredDigests::new(&[]));
        digests.check().map_err(PutPartError::ChecksumMismatch)?;
        let etag = part_etag(crc, self.written_bytes);
        let (Some(target), Some(upload)) = (self.target.take(), &self.upload) else {
            return Err(PutPartError::WrongLength { received_bytes: 0 }.into());
        };
        let upload_folder = self.inner.layout.upload_folder(&self.key);
        match target {
            Target::InPlace(place) => {
                place.data.sync_data()?;
                // Whoever made the file may not have come as far as this.
                if !upload.is_linked() {
                    sync_folder(&upload_folder)?;
                    upload.set_linked();
                }
                place.settle(crc)?;
            }
            Target::Beside { file, path } => {
                file.sync_data()?;
                let folder = self.inner.layout.parts(&self.key);
                let name = beside_name(self.part.part_number, &etag);
                if version_count(&folder, self.part.part_number, &name)? >= MAX_VERSIONS {
                    return Err(PutPartError::TooManyVersions.into());
                }
                // When these are gone, so is the upload.
                if_found(std::fs::rename(&path.0, folder.join(name)))?
                    .ok_or(PutPartError::NoSuchUpload)?;
                if_found(sync_folder(&folder))?.ok_or(PutPartError::NoSuchUpload)?;
                sync_folder(&upload_folder)?;
            }
        }
        Ok(etag)
    }

    /// In place where no acknowledged bytes can be, else beside.
    ///
    /// A put that comes after completion must not bring the upload back to life. It claims before
    /// it opens, opens before it looks for the object, and completion renames before it forgets
    /// the claims:
    /// - it opens after the rename: then it sees the object, removes what it has made and fails;
    /// - it opens before the rename, having claimed before completion began: completion has ended
    ///   that claim, and not a byte is written under it any more;
    /// - it opens before the rename, but claimed after completion began: there are no claims then,
    ///   and the part goes beside, to a folder that completion or the next abort removes.
    fn open(&self) -> Result<Target, PutFailure> {
        let (inner, key, part_number) = (&self.inner, &self.key, self.part.part_number);
        let claim = match &self.upload {
            Some(upload) if !self.part.replaces => upload.claim(part_number),
            _ => None,
        };
        inner.layout.make_upload_folder(key)?;
        let path = inner.layout.data(key);
        let data = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        if inner.layout.object(key).try_exists()? {
            if_found(std::fs::remove_file(path))?;
            return Err(PutPartError::NoSuchUpload.into());
        }
        if claim.is_some() {
            return Ok(Target::InPlace(InPlace {
                data,
                claim,
                offset: self.part.plan.offset(part_number),
                len: self.part.plan.part_len(part_number),
            }));
        }
        let folder = inner.layout.parts(key);
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let temporary = inner.next_temporary.fetch_add(1, Ordering::Relaxed);
        let path = Temporary(folder.join(format!("new-{temporary}")));
        let file = if_found(File::create(&path.0))?.ok_or(PutPartError::NoSuchUpload)?;
        Ok(Target::Beside { file, path })
    }
}

impl Drop for PartWriter {
    fn drop(&mut self) {
        // The claim first: it holds on to the upload.
        self.target = None;
        if let Some(upload) = self.upload.take() {
            self.inner.uploads.release(&self.key, upload);
        }
    }
}

impl InPlace {
    /// Does a piece of the writing unless completion has begun.
    fn write<T>(&self, write: impl FnOnce() -> io::Result<T>) -> Result<io::Result<T>, Overtaken> {
        self.claim.as_ref().ok_or(Overtaken)?.write(write)
    }

    fn settle(mut self, crc: u64) -> Result<(), Overtaken> {
        self.claim.take().ok_or(Overtaken)?.settle(crc)
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        if self.claim.is_none() {
            return;
        }
        let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let given_back = self.write(|| Ok(fallocate(&self.data, hole, self.offset, self.len)?));
        // Not every file system can; and after completion began the bytes are its own.
        if let Ok(Err(error)) = given_back {
            tracing::debug!(%error, "bytes of a broken part stay until the upload ends");
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = if_found(std::fs::remove_file(&self.0)) {
            tracing::warn!(%error, path = %self.0.display(), "temporary file not removed");
        }
    }
}

/// Writes the chunks one after another with as few calls as can be, so that the kernel may use
/// large pages for them; how many bytes they have.
fn write_all_at(file: &File, chunks: &[Bytes], offset: u64) -> io::Result<u64> {
    let mut slices: Vec<IoSlice<'_>> = chunks.iter().map(|chunk| IoSlice::new(chunk)).collect();
    let mut slices = slices.as_mut_slice();
    let mut written_bytes = 0;
    while !slices.is_empty() {
        let at = offset + written_bytes;
        let count = rustix::io::retry_on_intr(|| rustix::io::pwritev(file, slices, at))?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        written_bytes += count as u64;
        IoSlice::advance_slices(&mut slices, count);
    }
    Ok(written_bytes)
}

/// How many other versions of a part are kept beside it. The same bytes are the same version.
fn version_count(folder: &Path, part_number: u32, name: &str) -> io::Result<usize> {
    let prefix = format!("{part_number}.");
    let Some(entries) = if_found(std::fs::read_dir(folder))? else {
        return Ok(0);
    };
    let mut count = 0;
    for entry in entries {
        let found = entry?.file_name();
        let is_other = found != name && found.to_string_lossy().starts_with(&prefix);
        count += usize::from(is_other);
    }
    Ok(count)
}

/// The name of a part in the folder of re-sent parts.
pub(crate) fn beside_name(part_number: u32, etag: &ETag) -> String {
    format!("{part_number}.{}", etag.as_str())
}
