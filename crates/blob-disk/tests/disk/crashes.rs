//! What a crash can leave on the disk, step by step, and what the next process makes of it.

use std::fs;
use std::os::unix::fs::FileExt;

use crate::common::Disk;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::ObjectStore;
use moc_uploads_testkit::object_store::{TestFile, bytes};

const PART_BYTES: u64 = 300_000;

/// A file of two parts that are stored, the second twice.
struct Resent {
    disk: Disk,
    file: TestFile,
    first_etags: Vec<ETag>,
    last_etags: Vec<ETag>,
    last_bytes: Vec<u8>,
}

impl Resent {
    async fn new() -> Self {
        let disk = Disk::new();
        let file = TestFile::with_parts_of(&disk.store, PART_BYTES, 2 * PART_BYTES).await;
        let first_etags = file.store_all(&disk.store).await;
        let other = file.other_part(2, 1);
        let etag = file.replace_part(&disk.store, 2, &other).await.unwrap();
        Self {
            first_etags: first_etags.clone(),
            last_etags: vec![first_etags[0].clone(), etag],
            last_bytes: [file.part(1), &other].concat(),
            disk,
            file,
        }
    }

    /// Completes in a new process, which must give the last bytes and leave the object alone.
    async fn assert_completes(self) {
        let Self {
            disk,
            file,
            last_etags,
            last_bytes,
            ..
        } = self;
        let disk = disk.reopen().await;
        file.complete_ok(&disk.store, &last_etags).await;
        file.assert_object(&disk.store, &last_bytes).await;
        assert_eq!(disk.held(), [disk.object(&file.upload)]);
    }
}

#[tokio::test]
async fn parts_outlive_the_process() {
    Resent::new().await.assert_completes().await;
}

#[tokio::test]
async fn a_resent_part_that_was_not_recorded_does_not_count() {
    let Resent {
        disk,
        file,
        first_etags,
        ..
    } = Resent::new().await;
    let disk = disk.reopen().await;
    file.complete_ok(&disk.store, &first_etags).await;
    file.assert_object(&disk.store, &file.bytes).await;
    assert_eq!(disk.held(), [disk.object(&file.upload)]);
}

#[tokio::test]
async fn a_resent_part_that_was_half_written_does_not_count() {
    let resent = Resent::new().await;
    let parts = resent.disk.parts(&resent.file.upload);
    fs::write(parts.join("new-99"), bytes(1000, 1)).unwrap();
    resent.assert_completes().await;
}

#[tokio::test]
async fn a_first_part_that_was_half_written_is_written_again() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, PART_BYTES, 2 * PART_BYTES).await;
    let second = file.store_part(&disk.store, 2).await;
    let data = fs::File::options()
        .write(true)
        .open(disk.data(&file.upload))
        .unwrap();
    data.write_all_at(&bytes(100_000, 5), 0).unwrap();
    let disk = disk.reopen().await;
    let first = file.store_part(&disk.store, 1).await;
    file.complete_ok(&disk.store, &[first, second]).await;
    file.assert_object(&disk.store, &file.bytes).await;
    assert_eq!(disk.held(), [disk.object(&file.upload)]);
}

#[tokio::test]
async fn joining_that_broke_off_is_done_again() {
    let resent = Resent::new().await;
    let data = fs::File::options()
        .write(true)
        .open(resent.disk.data(&resent.file.upload))
        .unwrap();
    let half = &resent.file.other_part(2, 1)[..100_000];
    data.write_all_at(half, PART_BYTES).unwrap();
    resent.assert_completes().await;
}

#[tokio::test]
async fn a_completion_that_was_not_cleaned_up_is_cleaned_up() {
    let resent = Resent::new().await;
    let (disk, upload) = (&resent.disk, &resent.file.upload);
    let parts = disk.parts(upload);
    let beside = fs::read_dir(&parts).unwrap().next().unwrap().unwrap();
    let (name, kept) = (beside.path(), fs::read(beside.path()).unwrap());
    resent
        .file
        .complete_ok(&disk.store, &resent.last_etags)
        .await;
    fs::create_dir(&parts).unwrap();
    fs::write(name, kept).unwrap();
    resent.assert_completes().await;
}

#[tokio::test]
async fn an_upload_that_came_back_beside_its_object_goes() {
    let resent = Resent::new().await;
    let (disk, upload) = (&resent.disk, &resent.file.upload);
    resent
        .file
        .complete_ok(&disk.store, &resent.last_etags)
        .await;
    fs::write(disk.data(upload), b"from a part that came late").unwrap();
    resent.assert_completes().await;
}

#[tokio::test]
async fn what_nobody_owns_is_listed_and_can_be_removed() {
    let resent = Resent::new().await;
    let (disk, upload) = (&resent.disk, &resent.file.upload);
    // Of the upload, only the folder of re-sent parts is left.
    fs::remove_file(disk.data(upload)).unwrap();
    let listed = disk.store.list_keys(None, 10).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&upload.key));
    disk.store.abort_upload(upload).await.unwrap();
    assert_eq!(disk.store.list_keys(None, 10).await.unwrap(), []);
    assert!(disk.held().is_empty());
}
