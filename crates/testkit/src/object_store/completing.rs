//! From parts to an object (CONTRACT section 1.5).

use futures_util::future::join_all;
use moc_uploads_core::ports::{CompleteUploadOutcome, ObjectStore, PutPartError};
use ring::digest::{SHA256, digest};

use super::{PART_BYTES, TestFile, body};

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// Nothing is visible under its final name before it is whole.
pub async fn an_object_is_not_visible_before_completion(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 1).await;
    file.assert_no_object(store).await;
    let etags = file.store_all(store).await;
    file.assert_no_object(store).await;
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// Also what heals a crash between the store's completion and the record of it.
pub async fn completing_again_gives_the_same_answer(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 1).await;
    let etags = file.store_all(store).await;
    let first = file.complete_ok(store, &etags).await;
    let second = file.complete_ok(store, &etags).await;
    assert_eq!(first, second);
    file.assert_object(store, &file.bytes).await;
}

/// All callers are told the same.
pub async fn completing_at_once_completes_once(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 1).await;
    let mut etags = file.store_all(store).await;
    etags[1] = file.replace_part(store, 2, b"!").await.unwrap();
    let answers = join_all((0..8).map(|_| file.complete_ok(store, &etags))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let expected = [file.part(1), b"!"].concat();
    file.assert_object(store, &expected).await;
}

/// CONTRACT section 1.2.
pub async fn a_right_sha256_is_accepted(store: &dyn ObjectStore) {
    let mut file = TestFile::new(store, PART_BYTES + 17).await;
    file.will_be_hashed = true;
    let etags = file.store_all(store).await;
    let outcome = file
        .complete(store, &etags, Some(sha256(&file.bytes)))
        .await;
    assert!(matches!(
        outcome.unwrap(),
        CompleteUploadOutcome::Completed(_)
    ));
    file.assert_object(store, &file.bytes).await;
}

/// However often it is tried. The part that differs can be sent again, where the upload was used
/// up with all others to an upload that takes its place.
pub async fn a_wrong_sha256_is_told_and_the_file_can_be_sent_again(store: &dyn ObjectStore) {
    let mut file = TestFile::new(store, PART_BYTES + 17).await;
    file.will_be_hashed = true;
    let mut etags = file.store_all(store).await;
    let tail = file.other_part(2, 1);
    let intended = [file.part(1), &tail].concat();
    let declared = Some(sha256(&intended));
    let mut is_kept = true;
    for _ in 0..2 {
        let outcome = file.complete(store, &etags, declared).await.unwrap();
        let CompleteUploadOutcome::ChecksumMismatch {
            actual,
            is_upload_kept,
        } = outcome
        else {
            panic!("{outcome:?}");
        };
        let expected: String = sha256(&file.bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(actual, expected);
        is_kept = is_upload_kept;
        if is_kept {
            file.assert_no_object(store).await;
        }
    }
    if !is_kept {
        file.upload.id = store
            .create_upload(&file.upload.key, "application/pdf")
            .await
            .unwrap();
        etags[0] = file.store_part(store, 1).await;
    }
    etags[1] = file.replace_part(store, 2, &tail).await.unwrap();
    let outcome = file.complete(store, &etags, declared).await;
    assert!(matches!(
        outcome.unwrap(),
        CompleteUploadOutcome::Completed(_)
    ));
    file.assert_object(store, &intended).await;
}

/// Off by one is the usual mistake.
pub async fn sizes_around_the_part_size_come_back_exactly(store: &dyn ObjectStore) {
    for size_bytes in [
        1,
        PART_BYTES - 1,
        PART_BYTES,
        PART_BYTES + 1,
        2 * PART_BYTES,
    ] {
        let file = TestFile::new(store, size_bytes).await;
        let etags = file.store_all(store).await;
        file.complete_ok(store, &etags).await;
        file.assert_object(store, &file.bytes).await;
    }
}

/// There is nothing to complete.
pub async fn an_upload_without_parts_is_no_upload(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 10).await;
    let etags = file.store_all(store).await;
    store.abort_upload(&file.upload).await.unwrap();
    let outcome = file.complete(store, &etags, None).await.unwrap();
    assert_eq!(outcome, CompleteUploadOutcome::NoSuchUpload);
    file.assert_no_object(store).await;
}

/// Whether it is told that it is late or not: the object stays as it is, also when the late part
/// is cleaned up.
pub async fn a_part_after_completion_changes_nothing(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 1).await;
    let etags = file.store_all(store).await;
    let completed = file.complete_ok(store, &etags).await;
    for replaces in [false, true] {
        let late = body(&file.other_part(1, 7), 64 * 1024, None);
        match store
            .put_part(&file.upload, file.put(1, replaces), late)
            .await
        {
            Ok(_) | Err(PutPartError::NoSuchUpload) => {}
            Err(error) => panic!("{error:?}"),
        }
        file.assert_object(store, &file.bytes).await;
        assert_eq!(file.complete_ok(store, &etags).await, completed);
    }
    store.abort_upload(&file.upload).await.unwrap();
    file.assert_object(store, &file.bytes).await;
}
