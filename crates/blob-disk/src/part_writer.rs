//! A part on its way to the disk: the half of it that blocks.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{PutPart, PutPartError};

use crate::batch::Batch;
use crate::data_file::DataFile;
use crate::digests::{DeclaredDigests, part_etag};
use crate::error::{PutFailure, if_found};
use crate::hash_ahead::hash_ahead;
use crate::layout::sync_folder;
use crate::store::Inner;
use crate::uploads::{Claim, Overtaken, UploadState};

/// Versions of one part that are kept until its file is completed: which of them counts is for the
/// database to say. A client that means well sends the same bytes again.
const MAX_VERSIONS: usize = 8;

/// Writes one part. Dropping it gives the part up.
pub(crate) struct PartWriter {
    /// What is written next.
    pub(crate) batch: Batch,
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
    data: DataFile,
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
            batch: Batch::default(),
            upload: Some(inner.uploads.get(&key)),
            digests: DeclaredDigests::new(&part.checksums),
            inner,
            key,
            part,
            target: None,
            written_bytes: 0,
        }
    }

    /// Appends the batch to the part. The caller sees to it that the part does not get too long.
    pub(crate) fn write(&mut self) -> Result<(), PutFailure> {
        let mut target = match self.target.take() {
            Some(target) => {
                self.inner.layout.require_space(0)?;
                target
            }
            None => self.open()?,
        };
        let bytes = self.batch.bytes();
        self.digests.update(bytes);
        match &mut target {
            Target::InPlace(place) => place.write(bytes, self.written_bytes)?,
            Target::Beside { file, .. } => file.write_all_at(bytes, self.written_bytes)?,
        }
        self.written_bytes += bytes.len() as u64;
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
        let layout = &self.inner.layout;
        match target {
            Target::InPlace(place) => {
                place.data.sync()?;
                // Whoever made the file may not have come as far as this.
                if !upload.is_linked() {
                    sync_folder(layout.upload_folder(&self.key))?;
                    upload.set_linked();
                }
                place.settle(crc)?;
                if self.part.will_be_hashed {
                    hash_ahead(&self.inner, &self.key, upload, self.part.plan);
                }
            }
            Target::Beside { file, path } => {
                file.sync_data()?;
                let folder = layout.parts(&self.key);
                let name = beside_name(self.part.part_number, &etag);
                if version_count(&folder, self.part.part_number, &name)? >= MAX_VERSIONS {
                    return Err(PutPartError::TooManyVersions.into());
                }
                // When these are gone, so is the upload.
                if_found(std::fs::rename(&path.0, folder.join(name)))?
                    .ok_or(PutPartError::NoSuchUpload)?;
                if_found(sync_folder(&folder))?.ok_or(PutPartError::NoSuchUpload)?;
                sync_folder(layout.upload_folder(&self.key))?;
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
        let len = self.part.plan.part_len(part_number);
        inner.layout.require_space(len)?;
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
            let mut place = InPlace {
                data: DataFile::new(data),
                claim,
                offset: self.part.plan.offset(part_number),
                len,
            };
            // What is read again soon had better be in the page cache.
            if !self.part.will_be_hashed {
                place.go_direct()?;
            }
            return Ok(Target::InPlace(place));
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
    fn go_direct(&mut self) -> Result<(), PutFailure> {
        let claim = self.claim.as_ref().ok_or(Overtaken)?;
        claim.write(|| self.data.go_direct(self.offset, self.len))??;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], written_bytes: u64) -> Result<(), PutFailure> {
        let claim = self.claim.as_ref().ok_or(Overtaken)?;
        let offset = self.offset + written_bytes;
        let _turn = (!self.data.is_direct()).then(|| claim.turn());
        claim.write(|| self.data.write_all_at(bytes, offset))??;
        Ok(())
    }

    fn settle(mut self, crc: u64) -> Result<(), Overtaken> {
        self.claim.take().ok_or(Overtaken)?.settle(crc)
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        let Some(claim) = &self.claim else {
            return;
        };
        let given_back = claim.write(|| self.data.punch_hole(self.offset, self.len));
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
