//! Whatever is sent, in whatever order and at whatever time the process ends: the object has
//! exactly the bytes of the parts that were recorded last.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt, stream};
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{BodyError, CompleteUploadOutcome, ObjectStore, PartBody, PutPart};
use moc_uploads_testkit::object_store::{TestFile, body};
use proptest::prelude::*;
use ring::digest::{SHA256, digest};

use crate::common::Disk;

/// More bytes than are written at once, so that a part is written in several steps.
const PART_BYTES: u64 = 1_200_000;
const PART_COUNT: u32 = 3;
const CHUNK_BYTES: usize = 4096;

/// One sending of a part.
#[derive(Debug, Clone)]
struct Sending {
    part_number: u32,
    seed: u64,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Recorded,
    /// The database failed, or the process was killed before it answered.
    NotRecorded,
    BreaksOff,
    TooShort,
    TooLong,
    /// The connection is gone: the server drops the request where it is.
    Dropped,
}

#[derive(Debug, Clone)]
enum Step {
    /// All at once; each has looked up before whether its part is recorded.
    Send(Vec<Sending>),
    Restart,
    /// Completes with a digest that the file does not have, and so learns the one that it has.
    Check,
}

/// What the database knows.
type Recorded = HashMap<u32, (ETag, Vec<u8>)>;

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![
        4 => Just(Fate::Recorded),
        1 => Just(Fate::NotRecorded),
        1 => Just(Fate::BreaksOff),
        1 => Just(Fate::TooShort),
        1 => Just(Fate::TooLong),
        1 => Just(Fate::Dropped),
    ];
    let sending = (1..=PART_COUNT, 0..4u64, fate).prop_map(|(part_number, seed, fate)| Sending {
        part_number,
        seed,
        fate,
    });
    prop_oneof![
        4 => prop::collection::vec(sending, 1..5).prop_map(Step::Send),
        1 => Just(Step::Restart),
        1 => Just(Step::Check),
    ]
}

/// Gives the ETag where the part was stored.
async fn send(disk: &Disk, file: &TestFile, put: PutPart, sending: &Sending) -> Option<ETag> {
    let bytes = file.other_part(sending.part_number, sending.seed);
    let half = &bytes[..bytes.len() / 2];
    let (body, is_whole): (PartBody, bool) = match sending.fate {
        Fate::Recorded | Fate::NotRecorded => (body(&bytes, CHUNK_BYTES, None), true),
        Fate::BreaksOff => (body(half, CHUNK_BYTES, Some(BodyError::Broken)), false),
        Fate::TooShort => (body(half, CHUNK_BYTES, None), false),
        Fate::TooLong => {
            let long = [&bytes[..], b"!"].concat();
            (body(&long, CHUNK_BYTES, None), false)
        }
        Fate::Dropped => {
            let (received, all_sent) = tokio::sync::oneshot::channel();
            let stuck = stream::once(async move {
                received.send(()).unwrap();
                std::future::pending().await
            });
            let body: PartBody = Box::pin(body(&bytes, CHUNK_BYTES, None).chain(stuck));
            let put = disk.store.put_part(&file.upload, put, body);
            tokio::select! {
                result = put => panic!("a body that does not end: {result:?}"),
                _ = all_sent => return None,
            }
        }
    };
    let result = disk.store.put_part(&file.upload, put, body).await;
    assert_eq!(result.is_ok(), is_whole, "{result:?}");
    result.ok()
}

fn contents(recorded: &Recorded) -> Option<(Vec<ETag>, Vec<u8>)> {
    let parts: Option<Vec<_>> = (1..=PART_COUNT).map(|n| recorded.get(&n)).collect();
    let (etags, bytes): (Vec<ETag>, Vec<Vec<u8>>) = parts?.into_iter().cloned().unzip();
    Some((etags, bytes.concat()))
}

async fn run(steps: Vec<Step>) {
    let mut disk = Disk::new();
    let size_bytes = PART_BYTES * u64::from(PART_COUNT - 1) + 70_000;
    let file = TestFile::with_parts_of(&disk.store, PART_BYTES, size_bytes).await;
    let mut recorded = Recorded::new();
    for step in steps {
        match step {
            Step::Send(sendings) => {
                let puts = sendings.iter().map(|sending| {
                    let number = sending.part_number;
                    let put = file.put(number, recorded.contains_key(&number));
                    send(&disk, &file, put, sending)
                });
                let etags = join_all(puts).await;
                for (sending, etag) in sendings.iter().zip(etags) {
                    if sending.fate == Fate::Recorded {
                        let number = sending.part_number;
                        let bytes = file.other_part(number, sending.seed);
                        recorded.insert(number, (etag.unwrap(), bytes));
                    }
                }
            }
            Step::Restart => disk = disk.reopen().await,
            Step::Check => check(&disk, &file, &recorded).await,
        }
    }
    for part_number in 1..=PART_COUNT {
        if let Entry::Vacant(missing) = recorded.entry(part_number) {
            let etag = file.store_part(&disk.store, part_number).await;
            missing.insert((etag, file.part(part_number).to_vec()));
        }
    }
    let (etags, bytes) = contents(&recorded).unwrap();
    file.complete_ok(&disk.store, &etags).await;
    file.assert_object(&disk.store, &bytes).await;
    // A request that was dropped is cleaned up in its own time, at the latest with its process.
    let disk = disk.reopen().await;
    disk.store.abort_upload(&file.upload).await.unwrap();
    assert_eq!(disk.held(), [disk.object(&file.upload)]);
}

async fn check(disk: &Disk, file: &TestFile, recorded: &Recorded) {
    let Some((etags, bytes)) = contents(recorded) else {
        return;
    };
    let outcome = file.complete(&disk.store, &etags, Some([0; 32])).await;
    let actual = digest(&SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        outcome.unwrap(),
        CompleteUploadOutcome::ChecksumMismatch {
            actual,
            is_upload_kept: true
        }
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_object_has_the_bytes_that_were_recorded_last(
        steps in prop::collection::vec(step(), 1..10),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}

/// A part that is still being written in place, while another sending of it was recorded and the
/// upload is completed: not a byte of it may come through.
#[tokio::test]
async fn completion_ends_what_is_still_being_written() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, PART_BYTES, PART_BYTES).await;
    let (slow_bytes, fast_bytes) = (file.other_part(1, 1), file.other_part(1, 2));
    let (go_on, wait) = tokio::sync::oneshot::channel::<()>();
    let (first, second) = slow_bytes.split_at(slow_bytes.len() / 2);
    let gate = stream::once(async move {
        wait.await.unwrap();
        Ok(bytes::Bytes::new())
    });
    let slow_body: PartBody = Box::pin(body(first, CHUNK_BYTES, None).chain(gate).chain(body(
        second,
        CHUNK_BYTES,
        None,
    )));
    let mut slow: Pin<Box<_>> = Box::pin(disk.store.put_part(
        &file.upload,
        file.put(1, false),
        slow_body,
    ));
    // The first batch is on its way to the disk once the data file is there.
    while !disk.data(&file.upload).exists() {
        assert!((&mut slow).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    let fast_body = body(&fast_bytes, CHUNK_BYTES, None);
    let etag = disk
        .store
        .put_part(&file.upload, file.put(1, false), fast_body)
        .await
        .unwrap();
    file.complete_ok(&disk.store, std::slice::from_ref(&etag))
        .await;
    go_on.send(()).unwrap();
    let result = slow.await;
    assert!(result.is_err(), "{result:?}");
    file.assert_object(&disk.store, &fast_bytes).await;
    assert_eq!(disk.held(), [disk.object(&file.upload)]);
}
