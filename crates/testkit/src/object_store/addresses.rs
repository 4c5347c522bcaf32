//! Where clients get and put bytes by themselves.

use std::collections::HashSet;
use std::time::Duration;

use moc_uploads_core::ports::{ObjectStore, PartAddress};

use super::TestFile;
use crate::builders::{file_id, session_id};
use crate::clock::ManualClock;

/// CONTRACT section 1.3.
pub async fn presigned_urls_tell_parts_and_expiries_apart(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 10).await;
    let (session_id, file_id) = (session_id(), file_id());
    let mut urls = HashSet::new();
    for part_number in 1..=3 {
        for seconds in [60, 61] {
            let expires_at = ManualClock::START + Duration::from_secs(seconds);
            let address = PartAddress {
                session_id,
                file_id,
                part_number,
            };
            let presigned = store
                .presign_part(&file.upload, address, expires_at)
                .await
                .unwrap();
            assert_eq!(presigned.part_number, part_number);
            assert_eq!(presigned.expires_at, expires_at);
            assert!(presigned.url.starts_with("http"), "{}", presigned.url);
            urls.insert(presigned.url);
        }
    }
    assert_eq!(urls.len(), 6);
}

/// CONTRACT section 1.5.
pub async fn objects_have_urls_of_their_own(store: &dyn ObjectStore) {
    let mut urls = HashSet::new();
    for _ in 0..2 {
        let file = TestFile::new(store, 10).await;
        let url = store.object_url(session_id(), file_id(), &file.upload.key);
        assert!(url.starts_with("http"), "{url}");
        urls.insert(url);
    }
    assert_eq!(urls.len(), 2);
}

/// For `/readyz`.
pub async fn the_store_answers(store: &dyn ObjectStore) {
    store.ping().await.unwrap();
    store.ping().await.unwrap();
}
