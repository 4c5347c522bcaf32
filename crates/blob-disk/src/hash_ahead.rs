//! The SHA-256 of a file, computed while its later parts are still on their way.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::plan::PartPlan;
use ring::digest::{Context, Digest, SHA256};
use tokio::task::spawn_blocking;

use crate::store::Inner;
use crate::uploads::{UploadState, lock};

const BUFFER_BYTES: usize = 256 * 1024;

/// The SHA-256 of a file from its first part on.
pub(crate) struct HashedParts {
    context: Context,
    count: u32,
}

impl Default for HashedParts {
    fn default() -> Self {
        Self {
            context: Context::new(&SHA256),
            count: 0,
        }
    }
}

impl HashedParts {
    pub(crate) fn include(&self, part_number: u32) -> bool {
        part_number <= self.count
    }

    /// Hashes what is missing.
    pub(crate) fn finish(&mut self, data: &File, plan: PartPlan) -> io::Result<Digest> {
        while self.count < plan.part_count() {
            self.add_next(data, plan)?;
        }
        Ok(self.context.clone().finish())
    }

    /// Stays as it was when a read fails.
    fn add_next(&mut self, data: &File, plan: PartPlan) -> io::Result<()> {
        let part_number = self.count + 1;
        let end = plan.offset(part_number) + plan.part_len(part_number);
        let mut offset = plan.offset(part_number);
        let mut context = self.context.clone();
        let mut buffer = vec![0; BUFFER_BYTES];
        while offset < end {
            let len = buffer.len().min((end - offset) as usize);
            data.read_exact_at(&mut buffer[..len], offset)?;
            context.update(&buffer[..len]);
            offset += len as u64;
        }
        self.context = context;
        self.count = part_number;
        Ok(())
    }
}

/// Goes on with the hash of an upload as far as parts are there one after another, unless the
/// processors are busy with others: completion does what is missing.
pub(crate) fn hash_ahead(
    inner: &Arc<Inner>,
    key: &ObjectKey,
    upload: &Arc<UploadState>,
    plan: PartPlan,
) {
    let (inner, key, upload) = (Arc::clone(inner), key.clone(), Arc::clone(upload));
    spawn_blocking(move || {
        let hash = || -> io::Result<()> {
            let data = File::open(inner.layout.data(&key))?;
            // Part by part, so that completion waits for no more than one.
            loop {
                let mut hashed = lock(&upload.hashed);
                let Ok(_permit) = inner.hashing.try_acquire() else {
                    return Ok(());
                };
                if !upload.is_settled(hashed.count + 1) {
                    return Ok(());
                }
                hashed.add_next(&data, plan)?;
            }
        };
        if let Err(error) = hash() {
            tracing::debug!(%error, object_key = %key, "not hashed ahead");
        }
    });
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use moc_uploads_core::ports::CompleteUploadOutcome;
    use moc_uploads_testkit::object_store::{PART_BYTES, TestFile};

    use super::*;
    use crate::DiskStore;

    /// In any order: a part that comes late is waited for, and those after it follow.
    #[tokio::test]
    async fn parts_are_hashed_before_completion() {
        let folder = tempfile::tempdir().unwrap();
        let store = DiskStore::open(folder.path(), "http://127.0.0.1").unwrap();
        let mut file = TestFile::new(&store, 2 * PART_BYTES + 1).await;
        file.will_be_hashed = true;
        let upload = store.0.uploads.get(&file.upload.key);
        let hashed = || upload.hashed.lock().unwrap().count;

        let mut etags = vec![file.store_part(&store, 2).await];
        assert_eq!(hashed(), 0);
        etags.insert(0, file.store_part(&store, 1).await);
        while hashed() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }

        etags.push(file.store_part(&store, 3).await);
        let actual = ring::digest::digest(&SHA256, &file.bytes);
        let sha256 = Some(actual.as_ref().try_into().unwrap());
        let outcome = file.complete(&store, &etags, sha256).await.unwrap();
        assert!(matches!(outcome, CompleteUploadOutcome::Completed(_)));
    }
}
