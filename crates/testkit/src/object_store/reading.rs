//! Objects on their way out (CONTRACT section 1, endpoint 10).

use futures_util::future::join_all;
use moc_uploads_core::ports::ObjectStore;

use super::{PART_BYTES, TestFile, content};

/// From anywhere to anywhere, across parts too.
pub async fn any_range_comes_back(store: &dyn ObjectStore) {
    let size = PART_BYTES + 1000;
    let file = TestFile::new(store, size).await;
    let etags = file.store_all(store).await;
    file.complete_ok(store, &etags).await;
    let ranges = [
        0..1,
        size - 1..size,
        0..size,
        PART_BYTES - 1..PART_BYTES + 1,
        131_071..131_073,
        100_000..1_000_000,
    ];
    for range in ranges {
        let expected = &file.bytes[range.start as usize..range.end as usize];
        let found = content(store, &file.upload.key, range.clone()).await;
        assert!(found.as_deref() == Some(expected), "{range:?}");
    }
}

/// Not found is a value.
pub async fn what_is_not_there_is_none(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 10).await;
    file.assert_no_object(store).await;
}

/// Whatever their sizes and whatever is uploaded at the same time.
pub async fn objects_do_not_mix(store: &dyn ObjectStore) {
    let files = join_all((1..=16).map(|n| TestFile::new(store, n * 1000))).await;
    join_all(files.iter().map(async |file| {
        let etags = file.store_all(store).await;
        file.complete_ok(store, &etags).await;
    }))
    .await;
    for file in &files {
        file.assert_object(store, &file.bytes).await;
    }
}

/// Each at its own pace.
pub async fn an_object_is_read_by_many_at_once(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 1_000_000).await;
    let etags = file.store_all(store).await;
    file.complete_ok(store, &etags).await;
    for object in join_all((0..8).map(|_| file.object(store))).await {
        assert!(object.as_deref() == Some(&file.bytes[..]));
    }
}
