//! What a store says about what it holds.

use futures_util::{StreamExt, stream};
use moc_uploads_core::ports::{HeldParts, ObjectStore, Upload};

use super::{PART_BYTES, TestFile};

/// A store that clients reach by themselves lists what is there, in order, as it was sent last.
pub async fn parts_are_listed_as_they_are_held(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 2 * PART_BYTES + 5).await;
    assert_held(store, &file, Vec::new()).await;
    let third = file.store_part(store, 3).await;
    file.store_part(store, 1).await;
    let other = file.other_part(1, 1);
    let first = file.replace_part(store, 1, &other).await.unwrap();
    let expected = vec![
        (1, first.to_string(), PART_BYTES),
        (3, third.to_string(), 5),
    ];
    assert_held(store, &file, expected).await;
}

/// S3 tells a thousand at a time.
pub async fn long_lists_of_parts_come_whole(store: &dyn ObjectStore) {
    const COUNT: u32 = 1_003;
    let file = TestFile::with_parts_of(store, 16, 16 * u64::from(COUNT)).await;
    let file = &file;
    let parts = stream::iter(1..=COUNT).map(|part_number| async move {
        let etag = file.store_part(store, part_number).await;
        (part_number, etag.to_string(), 16)
    });
    let expected: Vec<_> = parts.buffered(32).collect().await;
    assert_held(store, file, expected).await;
}

/// Completed or aborted.
pub async fn an_upload_that_is_over_holds_no_parts(store: &dyn ObjectStore) {
    let [completed, aborted] = [TestFile::new(store, 7).await, TestFile::new(store, 8).await];
    let etags = completed.store_all(store).await;
    aborted.store_all(store).await;
    completed.complete_ok(store, &etags).await;
    store.abort_upload(&aborted.upload).await.unwrap();
    for file in [completed, aborted] {
        let held = store.list_parts(&file.upload).await.unwrap();
        assert!(
            matches!(held, HeldParts::AsRecorded | HeldParts::NoSuchUpload),
            "{held:?}"
        );
    }
}

/// As an upload or, where the store is swept key by key, by its key; among others, one by one.
pub async fn an_upload_is_found_until_it_is_over(store: &dyn ObjectStore) {
    let mut files = Vec::new();
    for size_bytes in 1..=5 {
        let file = TestFile::new(store, size_bytes).await;
        file.store_part(store, 1).await;
        files.push(file);
    }
    let found = uploads(store).await;
    if !found.is_empty() {
        for file in &files {
            let count = found
                .iter()
                .filter(|upload| **upload == file.upload)
                .count();
            assert_eq!(count, 1, "{:?} among {found:?}", file.upload);
        }
        let elsewhere = store.list_uploads("elsewhere/", None, 1000).await.unwrap();
        assert_eq!(elsewhere.uploads, []);
        assert_eq!(elsewhere.next, None);
    } else {
        let keys = store.list_keys(None, 1000).await.unwrap();
        assert!(files.iter().all(|file| keys.contains(&file.upload.key)));
    }

    let gone = files.swap_remove(2);
    store.abort_upload(&gone.upload).await.unwrap();
    assert!(!uploads(store).await.contains(&gone.upload));
    let keys = store.list_keys(None, 1000).await.unwrap();
    assert!(!keys.contains(&gone.upload.key));
}

/// All of them, two at a time.
async fn uploads(store: &dyn ObjectStore) -> Vec<Upload> {
    let mut uploads = Vec::new();
    let mut after = None;
    loop {
        let page = store
            .list_uploads("test/", after.as_ref(), 2)
            .await
            .unwrap();
        assert!(page.uploads.len() <= 2);
        uploads.extend(page.uploads.into_iter().map(|started| started.upload));
        if page.next.is_none() {
            return uploads;
        }
        assert_ne!(page.next, after, "the listing goes round");
        after = page.next;
    }
}

async fn assert_held(store: &dyn ObjectStore, file: &TestFile, expected: Vec<(u32, String, u64)>) {
    match store.list_parts(&file.upload).await.unwrap() {
        HeldParts::AsRecorded => {}
        HeldParts::Parts(parts) => {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| (part.part_number, part.etag.to_string(), part.size_bytes))
                .collect();
            assert_eq!(parts, expected);
        }
        HeldParts::NoSuchUpload => panic!("the upload is gone"),
    }
}
