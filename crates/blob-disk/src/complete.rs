//! From an upload to an object.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::plan::PartPlan;
use moc_uploads_core::ports::{CompleteUpload, CompleteUploadOutcome, ObjectStoreError, Upload};

use crate::digests::{object_etag, part_etag};
use crate::error::{blocking, if_found, internal, store_error};
use crate::layout::sync_folder;
use crate::part_writer::beside_name;
use crate::remove::remove_parts;
use crate::store::Inner;
use crate::uploads::{Completion, UploadState};

/// Does all its work in one blocking task that owns what it holds: a caller who goes away leaves
/// nothing half locked.
pub(crate) async fn complete_upload(
    inner: &Arc<Inner>,
    upload: &Upload,
    complete: CompleteUpload,
) -> Result<CompleteUploadOutcome, ObjectStoreError> {
    let (inner, key) = (Arc::clone(inner), upload.key.clone());
    let state = inner.uploads.get(&key);
    let exclusive = Arc::clone(&state.exclusive).lock_owned().await;
    let hashing = match complete.sha256 {
        Some(_) => Arc::clone(&inner.hashing).acquire_owned().await.ok(),
        None => None,
    };
    blocking(move || {
        let (_exclusive, _hashing) = (exclusive, hashing);
        let outcome = join(&inner, &key, &state, &complete);
        inner.uploads.release(&key, state);
        outcome
    })
    .await?
}

fn join(
    inner: &Inner,
    key: &ObjectKey,
    state: &UploadState,
    complete: &CompleteUpload,
) -> Result<CompleteUploadOutcome, ObjectStoreError> {
    let layout = &inner.layout;
    let (data_path, object_path) = (layout.data(key), layout.object(key));
    let parts_path = layout.parts(key);
    let size_bytes = size_of(complete.plan);
    let completed = CompleteUploadOutcome::Completed(object_etag(&complete.parts));

    if let Some(object) = if_found(std::fs::metadata(&object_path)).map_err(store_error)? {
        if object.len() != size_bytes {
            return Err(internal(format!(
                "object {key} has {} bytes, not {size_bytes}",
                object.len()
            )));
        }
        // Whoever renamed it may not have come as far as this.
        sync_folder(layout.object_folder(key)).map_err(store_error)?;
        let removed = if_found(std::fs::remove_file(&data_path)).map(drop);
        clean_up(inner, key, &parts_path, removed);
        return Ok(completed);
    }
    let opened = OpenOptions::new().read(true).write(true).open(&data_path);
    let Some(data) = if_found(opened).map_err(store_error)? else {
        return Ok(CompleteUploadOutcome::NoSuchUpload);
    };

    // Until the rename is done or given up, so that nobody writes to a visible object.
    let completion = state.begin_completion();
    join_parts_beside(&parts_path, &data, &completion, complete)?;
    let found_bytes = data.metadata().map_err(store_error)?.len();
    if found_bytes != size_bytes {
        return Err(internal(format!(
            "upload {key} has {found_bytes} bytes, not {size_bytes}"
        )));
    }
    if let Some(expected) = complete.sha256 {
        let actual = completion.hashed().finish(&data, complete.plan);
        let actual = actual.map_err(store_error)?;
        if actual.as_ref() != expected {
            return Ok(CompleteUploadOutcome::ChecksumMismatch {
                actual: hex::encode(actual),
                is_upload_kept: true,
            });
        }
    }
    layout.make_object_folder(key).map_err(store_error)?;
    // One journal entry moves the name, so that the folder it leaves needs no sync. Where a file
    // system kept both names, the object would be found first.
    std::fs::rename(&data_path, &object_path).map_err(store_error)?;
    sync_folder(layout.object_folder(key)).map_err(store_error)?;
    drop(completion);
    clean_up(inner, key, &parts_path, Ok(()));
    Ok(completed)
}

/// Copies re-sent parts to where they belong, inside the kernel. Their files stay until the object
/// is there: a crash in between leaves all that is needed to do it again.
fn join_parts_beside(
    folder: &Path,
    data: &File,
    completion: &Completion<'_>,
    complete: &CompleteUpload,
) -> Result<(), ObjectStoreError> {
    let beside = names_in(folder).map_err(store_error)?;
    let mut is_changed = false;
    for part in &complete.parts {
        let part_number = part.part_number;
        let len = complete.plan.part_len(part_number);
        let name = beside_name(part_number, &part.etag);
        if beside.contains(&name) {
            completion.unsettle(part_number);
            let offset = complete.plan.offset(part_number);
            let copied = copy_to(&folder.join(name), data, offset).map_err(store_error)?;
            if copied != len {
                return Err(internal(format!(
                    "part {part_number} has {copied} bytes, not {len}"
                )));
            }
            is_changed = true;
        } else if !completion.may_hold(part_number, |crc| part_etag(crc, len) == part.etag) {
            return Err(internal(format!(
                "the recorded bytes of part {part_number} are gone; it has to be sent again"
            )));
        }
    }
    if is_changed {
        data.sync_data().map_err(store_error)?;
    }
    Ok(())
}

fn copy_to(part: &Path, mut data: &File, offset: u64) -> io::Result<u64> {
    data.seek(SeekFrom::Start(offset))?;
    io::copy(&mut File::open(part)?, &mut data)
}

fn names_in(folder: &Path) -> io::Result<HashSet<String>> {
    let Some(entries) = if_found(std::fs::read_dir(folder))? else {
        return Ok(HashSet::new());
    };
    entries
        .filter_map(|entry| match entry {
            Ok(entry) => entry.file_name().into_string().ok().map(Ok),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// What is left of an upload beside its object. The object is there whatever becomes of this; the
/// next start sweeps what stays.
fn clean_up(inner: &Inner, key: &ObjectKey, parts: &Path, data_removed: io::Result<()>) {
    inner.uploads.forget(key);
    let removed = data_removed.and_then(|()| remove_parts(parts));
    if let Err(error) = removed {
        tracing::warn!(%error, object_key = %key, "leftovers of a completed upload not removed");
    }
}

fn size_of(plan: PartPlan) -> u64 {
    let last = plan.part_count();
    plan.offset(last) + plan.part_len(last)
}
