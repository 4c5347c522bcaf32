//! What this process knows about running uploads: which bytes may still be written in place.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use moc_uploads_core::object_key::ObjectKey;

use crate::hash_ahead::HashedParts;

/// The uploads that this process has written to. An upload that it has not written to has no
/// entry: then the database alone says which bytes are acknowledged.
#[derive(Default)]
pub(crate) struct Uploads(Mutex<HashMap<ObjectKey, Arc<UploadState>>>);

/// One upload.
#[derive(Default)]
pub(crate) struct UploadState {
    /// Held by completion and abort, so that neither finds the other's half.
    pub(crate) exclusive: Arc<tokio::sync::Mutex<()>>,
    /// Whether the data file's name survives power loss.
    pub(crate) is_linked: AtomicBool,
    /// Read while bytes are written in place, written to end that.
    gate: RwLock<Gate>,
    /// By part number, what this process has written in place: the CRC of the bytes, or nothing
    /// to rely on while they are being written.
    slots: Mutex<HashMap<u32, Option<u64>>>,
    /// Of the bytes that are settled.
    pub(crate) hashed: Mutex<HashedParts>,
    /// Held to write through the page cache: the kernel lets one at a time write to a file, and
    /// who waits for that there does not sleep.
    turn: Mutex<()>,
}

#[derive(Default)]
struct Gate {
    /// In-place writers of an earlier round are overtaken.
    round: u64,
    is_completing: bool,
}

/// Completion has begun: what is in the data file now counts, and nothing more is let in.
#[derive(Debug, thiserror::Error)]
#[error("the upload is being completed")]
pub(crate) struct Overtaken;

impl Uploads {
    pub(crate) fn get(&self, key: &ObjectKey) -> Arc<UploadState> {
        lock(&self.0).entry(key.clone()).or_default().clone()
    }

    /// After completion or abort.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        lock(&self.0).remove(key);
    }

    /// Drops an entry that says nothing and that nobody else uses.
    pub(crate) fn release(&self, key: &ObjectKey, state: Arc<UploadState>) {
        let mut uploads = lock(&self.0);
        let is_idle = uploads
            .get(key)
            .is_some_and(|entry| Arc::ptr_eq(entry, &state) && Arc::strong_count(entry) == 2);
        if is_idle && lock(&state.slots).is_empty() {
            uploads.remove(key);
        }
    }
}

impl UploadState {
    /// The right to write a part's bytes in place; `None` when this process has written them
    /// already, which may be acknowledged, or is writing them, or when the upload is being
    /// completed. Only to be asked for when no part of this number is recorded.
    pub(crate) fn claim(self: &Arc<Self>, part_number: u32) -> Option<Claim> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let mut slots = lock(&self.slots);
        if gate.is_completing || slots.contains_key(&part_number) {
            return None;
        }
        slots.insert(part_number, None);
        Some(Claim {
            upload: Arc::clone(self),
            part_number,
            round: gate.round,
        })
    }

    /// Ends all writing in place until the guard is dropped. Waits for writes that have begun,
    /// a batch each.
    pub(crate) fn begin_completion(&self) -> Completion<'_> {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        gate.round += 1;
        gate.is_completing = true;
        Completion(self)
    }

    pub(crate) fn is_settled(&self, part_number: u32) -> bool {
        matches!(lock(&self.slots).get(&part_number), Some(Some(_)))
    }

    pub(crate) fn set_linked(&self) {
        self.is_linked.store(true, Ordering::Release);
    }

    pub(crate) fn is_linked(&self) -> bool {
        self.is_linked.load(Ordering::Acquire)
    }
}

/// Held while an upload is completed.
pub(crate) struct Completion<'a>(&'a UploadState);

impl Completion<'_> {
    /// Whether the data file may hold the part of this CRC. What an earlier process wrote was
    /// synced before it was recorded and is taken at the database's word.
    pub(crate) fn may_hold(&self, part_number: u32, matches: impl Fn(u64) -> bool) -> bool {
        match lock(&self.0.slots).get(&part_number) {
            None => true,
            Some(crc) => crc.is_some_and(matches),
        }
    }

    /// The part's bytes are about to be overwritten by those of a part beside: from here on only
    /// joining that part again makes them whole.
    pub(crate) fn unsettle(&self, part_number: u32) {
        lock(&self.0.slots).insert(part_number, None);
        let mut hashed = lock(&self.0.hashed);
        if hashed.include(part_number) {
            *hashed = HashedParts::default();
        }
    }

    /// What is known of the hash of what the data file holds.
    pub(crate) fn hashed(&self) -> MutexGuard<'_, HashedParts> {
        lock(&self.0.hashed)
    }
}

impl Drop for Completion<'_> {
    fn drop(&mut self) {
        let mut gate = self.0.gate.write().unwrap_or_else(PoisonError::into_inner);
        gate.is_completing = false;
    }
}

/// The right to write a part's bytes in place.
pub(crate) struct Claim {
    upload: Arc<UploadState>,
    part_number: u32,
    round: u64,
}

impl Claim {
    /// Does a piece of the writing unless completion has begun.
    pub(crate) fn write<T>(
        &self,
        write: impl FnOnce() -> io::Result<T>,
    ) -> Result<io::Result<T>, Overtaken> {
        let gate = self
            .upload
            .gate
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if gate.round == self.round {
            Ok(write())
        } else {
            Err(Overtaken)
        }
    }

    /// Waits until nobody else writes to the file through the page cache.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.upload.turn)
    }

    /// The bytes are whole and synced: they are not written to any more.
    pub(crate) fn settle(self, crc: u64) -> Result<(), Overtaken> {
        let set = || {
            lock(&self.upload.slots).insert(self.part_number, Some(crc));
            Ok(())
        };
        self.write(set).map(|_| ())
    }
}

impl Drop for Claim {
    /// A put that failed leaves the bytes to the next one.
    fn drop(&mut self) {
        let mut slots = lock(&self.upload.slots);
        if slots.get(&self.part_number) == Some(&None) {
            slots.remove(&self.part_number);
        }
    }
}

/// No holder can leave these half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload() -> (Uploads, ObjectKey, Arc<UploadState>) {
        let (uploads, key) = (Uploads::default(), ObjectKey::parse("a/b").unwrap());
        let state = uploads.get(&key);
        (uploads, key, state)
    }

    #[test]
    fn bytes_are_written_by_one_and_never_again_once_they_are_settled() {
        let (_, _, upload) = upload();
        let claim = upload.claim(1).unwrap();
        assert!(upload.claim(1).is_none() && upload.claim(2).is_some());
        drop(claim);
        let claim = upload.claim(1).unwrap();
        claim.settle(7).unwrap();
        assert!(upload.claim(1).is_none());
    }

    #[test]
    fn completion_ends_writing_and_knows_what_is_there() {
        let (_, _, upload) = upload();
        upload.claim(1).unwrap().settle(7).unwrap();
        let writing = upload.claim(2).unwrap();
        let completion = upload.begin_completion();
        assert!(upload.claim(3).is_none());
        assert!(writing.write(|| Ok(())).is_err());
        assert!(completion.may_hold(1, |crc| crc == 7));
        assert!(!completion.may_hold(1, |crc| crc == 8));
        assert!(!completion.may_hold(2, |_| true), "half written");
        assert!(completion.may_hold(3, |_| false), "by an earlier process");
        completion.unsettle(1);
        assert!(!completion.may_hold(1, |_| true));
        drop(completion);
        assert!(writing.settle(9).is_err());
        assert!(upload.claim(3).is_some());
    }

    #[test]
    fn an_entry_that_says_nothing_is_dropped() {
        let (uploads, key, first) = upload();
        let second = uploads.get(&key);
        uploads.release(&key, first);
        assert_eq!(lock(&uploads.0).len(), 1, "somebody else uses it");
        uploads.release(&key, second);
        assert_eq!(lock(&uploads.0).len(), 0);

        let state = uploads.get(&key);
        state.claim(1).unwrap().settle(7).unwrap();
        uploads.release(&key, state);
        assert_eq!(lock(&uploads.0).len(), 1, "it says what was written");
        uploads.forget(&key);
        assert_eq!(lock(&uploads.0).len(), 0);
    }
}
