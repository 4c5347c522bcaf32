//! Uploads and objects that are not wanted any more.

use moc_uploads_core::ports::{CompleteUploadOutcome, ObjectStore};

use super::{PART_BYTES, TestFile};

/// CONTRACT section 1.9: an ended session frees its parts, on several replicas perhaps.
pub async fn aborting_leaves_nothing_and_can_be_repeated(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 1).await;
    let mut etags = file.store_all(store).await;
    etags[1] = file.replace_part(store, 2, b"!").await.unwrap();
    for _ in 0..2 {
        store.abort_upload(&file.upload).await.unwrap();
        file.assert_no_object(store).await;
        let outcome = file.complete(store, &etags, None).await.unwrap();
        assert_eq!(outcome, CompleteUploadOutcome::NoSuchUpload);
    }
}

/// An upload that was completed is over already.
pub async fn aborting_leaves_an_object_alone(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 100).await;
    let etags = file.store_all(store).await;
    file.complete_ok(store, &etags).await;
    store.abort_upload(&file.upload).await.unwrap();
    file.assert_object(store, &file.bytes).await;
}

/// Of the same session, say.
pub async fn aborting_leaves_other_uploads_alone(store: &dyn ObjectStore) {
    let aborted = TestFile::new(store, 100).await;
    let kept = TestFile::new(store, 200).await;
    aborted.store_all(store).await;
    let etags = kept.store_all(store).await;
    store.abort_upload(&aborted.upload).await.unwrap();
    kept.complete_ok(store, &etags).await;
    kept.assert_object(store, &kept.bytes).await;
}

/// CONTRACT section 1.10: completed files of a cancelled session are removed.
pub async fn deleting_removes_the_object_and_can_be_repeated(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 100).await;
    let etags = file.store_all(store).await;
    file.complete_ok(store, &etags).await;
    for _ in 0..2 {
        store.delete_object(&file.upload.key).await.unwrap();
        file.assert_no_object(store).await;
    }
    let outcome = file.complete(store, &etags, None).await.unwrap();
    assert_eq!(outcome, CompleteUploadOutcome::NoSuchUpload);
}
