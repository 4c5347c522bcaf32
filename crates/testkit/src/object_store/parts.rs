//! Parts on their way in (CONTRACT section 1.4).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use md5::{Digest, Md5};
use moc_uploads_core::ports::{BodyError, Checksum, ObjectStore, PutPartError};
use ring::digest::{SHA256, SHA512, digest};

use super::{PART_BYTES, TestFile, body};

/// The number says where a part belongs, not its turn.
pub async fn parts_arrive_in_any_order(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 2 * PART_BYTES + 12_345).await;
    let third = file.store_part(store, 3).await;
    let first = file.store_part(store, 1).await;
    let second = file.store_part(store, 2).await;
    file.complete_ok(store, &[first, second, third]).await;
    file.assert_object(store, &file.bytes).await;
}

/// As clients send them.
pub async fn parts_arrive_in_parallel(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 3 * PART_BYTES + 1).await;
    let etags = join_all((1..=4).map(|number| file.store_part(store, number))).await;
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// Re-sending a part replaces it.
pub async fn a_part_sent_again_replaces_the_earlier_one(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 100).await;
    let mut etags = file.store_all(store).await;
    let other = file.other_part(1, 1);
    etags[0] = file.replace_part(store, 1, &other).await.unwrap();
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &[&other, file.part(2)].concat())
        .await;
}

/// Also when the last sending has the bytes of the first again.
pub async fn a_part_sent_three_times_counts_as_sent_last(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 100).await;
    let mut etags = file.store_all(store).await;
    let other = file.other_part(2, 1);
    file.replace_part(store, 2, &other).await.unwrap();
    let tail = file.part(2).to_vec();
    etags[1] = file.replace_part(store, 2, &tail).await.unwrap();
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// Whatever the client's bytes stopped for.
pub async fn a_part_that_breaks_off_leaves_the_earlier_one(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 100).await;
    let etags = file.store_all(store).await;
    let other = file.other_part(1, 1);
    for reason in [BodyError::Broken, BodyError::Idle] {
        for received in [0, 1, 300_000, other.len()] {
            let broken = body(&other[..received], 64 * 1024, Some(reason));
            let result = store
                .put_part(&file.upload, file.put(1, true), broken)
                .await;
            match result {
                Err(PutPartError::Body(told)) => assert_eq!(told, reason),
                other => panic!("{other:?}"),
            }
        }
    }
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// Too short and too long, by a byte or by much.
pub async fn a_part_of_the_wrong_length_leaves_the_earlier_one(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 100).await;
    let etags = file.store_all(store).await;
    for (part_number, len) in [
        (1, 0),
        (1, PART_BYTES - 1),
        (1, PART_BYTES + 1),
        (2, 99),
        (2, 101),
    ] {
        let wrong = super::bytes(len, 3);
        match file.replace_part(store, part_number, &wrong).await {
            Err(PutPartError::WrongLength { received_bytes }) => assert_eq!(received_bytes, len),
            other => panic!("{other:?}"),
        }
    }
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// Each kind of digest.
pub async fn a_part_with_a_wrong_checksum_leaves_the_earlier_one(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 100).await;
    let etags = file.store_all(store).await;
    let other = file.other_part(2, 1);
    let wrong = [
        Checksum::Md5([7; 16]),
        Checksum::Sha256([7; 32]),
        Checksum::Sha512([7; 64]),
    ];
    for checksum in wrong {
        let result = file.store_with_checksum(store, 2, &other, checksum).await;
        assert!(matches!(result, Err(PutPartError::ChecksumMismatch(_))));
    }
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// The first sending may fail as well, in any way.
pub async fn a_part_that_failed_can_be_sent_again(store: &dyn ObjectStore) {
    let file = TestFile::new(store, PART_BYTES + 100).await;
    let other = file.other_part(1, 1);
    let failing = [
        body(&other[..400_000], 64 * 1024, Some(BodyError::Broken)),
        body(&other[..400_000], 64 * 1024, None),
        body(&[&other[..], b"!"].concat(), 64 * 1024, None),
    ];
    for failing in failing {
        let result = store
            .put_part(&file.upload, file.put(1, false), failing)
            .await;
        assert!(result.is_err());
    }
    let etags = file.store_all(store).await;
    file.complete_ok(store, &etags).await;
    file.assert_object(store, &file.bytes).await;
}

/// A part is refused as soon as it is too long.
pub async fn a_body_that_does_not_end_is_not_read_to_its_end(store: &dyn ObjectStore) {
    const CHUNK_BYTES: u64 = 64 * 1024;
    let file = TestFile::new(store, PART_BYTES).await;
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    let endless = stream::repeat_with(move || {
        counted.fetch_add(CHUNK_BYTES, Ordering::Relaxed);
        Ok(Bytes::from(vec![1; CHUNK_BYTES as usize]))
    });
    let result = store
        .put_part(&file.upload, file.put(1, false), Box::pin(endless))
        .await;
    assert!(matches!(result, Err(PutPartError::WrongLength { .. })));
    assert!(sent.load(Ordering::Relaxed) <= PART_BYTES + CHUNK_BYTES);
}

/// Each kind of digest.
pub async fn right_checksums_are_accepted(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 300_000).await;
    let bytes = &file.bytes;
    let right = [
        Checksum::Md5(Md5::digest(bytes).into()),
        Checksum::Sha256(digest(&SHA256, bytes).as_ref().try_into().unwrap()),
        Checksum::Sha512(digest(&SHA512, bytes).as_ref().try_into().unwrap()),
    ];
    let mut etags = file.store_all(store).await;
    for checksum in right {
        etags[0] = file
            .store_with_checksum(store, 1, bytes, checksum)
            .await
            .unwrap();
    }
    file.complete_ok(store, &etags).await;
    file.assert_object(store, bytes).await;
}

/// Where the network cuts a body is chance.
pub async fn chunks_of_any_size_make_the_same_part(store: &dyn ObjectStore) {
    let mut etags = Vec::new();
    for chunk_len in [1, 1000, 128 * 1024, 128 * 1024 + 1, 1_000_000] {
        let file = TestFile::new(store, 300_001).await;
        let body = body(&file.bytes, chunk_len, None);
        let etag = store
            .put_part(&file.upload, file.put(1, false), body)
            .await
            .unwrap();
        file.complete_ok(store, std::slice::from_ref(&etag)).await;
        file.assert_object(store, &file.bytes).await;
        etags.push(etag);
    }
    assert!(etags.iter().all(|etag| *etag == etags[0]));
}

/// Clients hand it back to say which bytes they mean.
pub async fn other_bytes_have_another_etag(store: &dyn ObjectStore) {
    let file = TestFile::new(store, 1000).await;
    let first = file.store_part(store, 1).await;
    let again = file.replace_part(store, 1, file.part(1)).await.unwrap();
    assert_eq!(first, again);
    let mut other = file.bytes.clone();
    other[500] ^= 1;
    let other = file.replace_part(store, 1, &other).await.unwrap();
    assert_ne!(first, other);
    assert!(!first.as_str().is_empty() && !first.as_str().contains('"'));
}
