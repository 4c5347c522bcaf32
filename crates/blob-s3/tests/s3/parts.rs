//! S3 keeps the bytes of a part that came last, and has a least size for all but the last part.

use moc_uploads_core::ports::{CompleteUploadOutcome, HeldParts, ObjectStore};
use moc_uploads_testkit::object_store::{PART_BYTES, TestFile};
use moc_uploads_testkit::s3::Bucket;

use crate::common;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overwritten_bytes_are_not_joined_and_the_list_says_what_is_there() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let store = common::connect(&bucket).await;
    let file = TestFile::new(&store, PART_BYTES + 10).await;
    let mut etags = file.store_all(&store).await;
    let other = file.other_part(2, 1);
    file.replace_part(&store, 2, &other).await.unwrap();
    let outcome = file.complete(&store, &etags, None).await.unwrap();
    assert_eq!(outcome, CompleteUploadOutcome::PartsDiffer);
    file.assert_no_object(&store).await;

    let HeldParts::Parts(held) = store.list_parts(&file.upload).await.unwrap() else {
        panic!("the upload is gone");
    };
    assert_eq!(held[0].etag, etags[0]);
    etags[1] = held[1].etag.clone();
    file.complete_ok(&store, &etags).await;
    file.assert_object(&store, &[file.part(1), &other].concat())
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_are_too_small_are_not_joined() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let store = common::connect(&bucket).await;
    let file = TestFile::with_parts_of(&store, 1000, 1001).await;
    let etags = file.store_all(&store).await;
    let outcome = file.complete(&store, &etags, None).await.unwrap();
    assert_eq!(outcome, CompleteUploadOutcome::PartsDiffer);
    file.assert_no_object(&store).await;
}
