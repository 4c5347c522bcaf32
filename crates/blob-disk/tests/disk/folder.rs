//! What the store's folder holds, and who may use it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::common::{BASE_URL, Disk};
use futures_util::FutureExt;
use moc_uploads_blob_disk::{DiskStore, OpenError};
use moc_uploads_core::ids::{IdGenerator, TimeOrderedIds};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::ports::{BodyError, ObjectStore, PutPartError, Upload, UploadId};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::object_store::{TestFile, body};

#[tokio::test]
async fn nothing_is_made_before_the_first_part() {
    let disk = Disk::new();
    TestFile::new(&disk.store, 10).await;
    assert!(disk.held().is_empty());
}

#[tokio::test]
async fn one_upload_is_one_file_and_then_one_object() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, 1000, 2500).await;
    let etags = file.store_all(&disk.store).await;
    assert_eq!(disk.held(), [disk.data(&file.upload)]);
    file.complete_ok(&disk.store, &etags).await;
    assert_eq!(disk.held(), [disk.object(&file.upload)]);
    disk.store.delete_object(&file.upload.key).await.unwrap();
    assert!(disk.held().is_empty());
}

#[tokio::test]
async fn aborting_leaves_no_file() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, 1000, 2500).await;
    file.store_all(&disk.store).await;
    file.replace_part(&disk.store, 1, &file.other_part(1, 1))
        .await
        .unwrap();
    disk.store.abort_upload(&file.upload).await.unwrap();
    assert!(disk.held().is_empty());
}

#[tokio::test]
async fn a_resent_part_that_fails_leaves_no_file() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, 2_000_000, 4_000_000).await;
    file.store_all(&disk.store).await;
    let broken = body(&file.bytes[..1_500_000], 64 * 1024, Some(BodyError::Broken));
    let result = disk
        .store
        .put_part(&file.upload, file.put(1, true), broken)
        .await;
    assert!(matches!(result, Err(PutPartError::Body(_))));
    let parts = fs::read_dir(disk.parts(&file.upload)).unwrap();
    assert_eq!(parts.count(), 0);
}

#[tokio::test]
async fn a_late_part_makes_no_file() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, 1000, 1000).await;
    let etags = file.store_all(&disk.store).await;
    file.complete_ok(&disk.store, &etags).await;
    for replaces in [false, true] {
        let late = body(&file.bytes, 100, None);
        let result = disk
            .store
            .put_part(&file.upload, file.put(1, replaces), late)
            .await;
        assert!(matches!(result, Err(PutPartError::NoSuchUpload)));
        assert_eq!(disk.held(), [disk.object(&file.upload)]);
    }
}

#[tokio::test]
async fn a_folder_has_one_user() {
    let disk = Disk::new();
    let error = DiskStore::open(disk.folder.path(), BASE_URL).err().unwrap();
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert!(error.to_string().contains("another process"));
    disk.reopen().await;
}

#[tokio::test]
async fn the_key_is_secret_and_stays() {
    let disk = Disk::new();
    let path = disk.folder.path().join("presign.key");
    let key = fs::read(&path).unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let disk = disk.reopen().await;
    assert_eq!(fs::read(&path).unwrap(), key);

    fs::write(&path, b"short").unwrap();
    let Disk { store, folder } = disk;
    drop(store);
    let error = DiskStore::open(folder.path(), BASE_URL).err().unwrap();
    assert!(matches!(error, OpenError::DamagedKey(_)), "{error}");
}

#[tokio::test]
async fn a_root_that_is_no_folder_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = DiskStore::open(file.path(), BASE_URL).err().unwrap();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
}

#[tokio::test]
async fn a_store_that_can_not_write_does_not_answer() {
    let disk = Disk::new();
    disk.store.ping().await.unwrap();
    fs::remove_dir_all(disk.folder.path()).unwrap();
    assert!(disk.store.ping().await.is_err());
}

#[tokio::test]
async fn keys_of_any_valid_form_stay_apart() {
    let disk = Disk::new();
    let long = "k".repeat(ObjectKey::MAX_LEN);
    let keys = [
        "a", "a.parts", "a/parts", "a-parts", "A", "...", ".hidden", "a/b", "a_b", "-", &long,
    ];
    let mut etags = Vec::new();
    for (n, key) in (1..).zip(keys) {
        let mut file = TestFile::with_parts_of(&disk.store, 100, n).await;
        file.upload.key = ObjectKey::parse(key).unwrap();
        let etag = file.store_part(&disk.store, 1).await;
        file.replace_part(&disk.store, 1, file.part(1))
            .await
            .unwrap();
        etags.push((file, etag));
    }
    for (file, etag) in &etags {
        file.complete_ok(&disk.store, std::slice::from_ref(etag))
            .await;
    }
    for (file, _) in &etags {
        file.assert_object(&disk.store, &file.bytes).await;
    }
    assert_eq!(disk.held().len(), keys.len());
}

/// A file of its own time, and so of a shard that few others are in.
async fn file_of(n: u32, disk: &Disk) -> TestFile {
    let mut file = TestFile::with_parts_of(&disk.store, 10, 10).await;
    let id = TimeOrderedIds.new_id(ManualClock::START + n * Duration::from_secs(10));
    file.upload.key = ObjectKey::parse(&format!("dev/{id}.pdf")).unwrap();
    file
}

#[tokio::test]
async fn pages_name_each_upload_and_object_once() {
    let disk = Disk::new();
    let mut expected = BTreeSet::new();
    for n in 0..40 {
        let file = file_of(n, &disk).await;
        let etag = file.store_part(&disk.store, 1).await;
        if n % 3 == 0 {
            file.complete_ok(&disk.store, &[etag]).await;
        } else if n % 3 == 1 {
            file.replace_part(&disk.store, 1, b"other part")
                .await
                .unwrap();
        }
        expected.insert(file.upload.key);
    }
    let shard = disk.folder.path().join("uploads/00");
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join("lost found"), b"not ours").unwrap();
    // Of a shard before.
    let stray = disk.folder.path().join("uploads/ff/a~stray");
    fs::create_dir_all(stray.parent().unwrap()).unwrap();
    fs::write(stray, b"not looked for").unwrap();
    for limit in [1, 7, 40, 100] {
        let mut listed = Vec::new();
        loop {
            let page = disk.store.list_keys(listed.last(), limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert_eq!(listed.len(), expected.len());
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

/// As before there was a `layout.version`.
#[tokio::test]
async fn files_of_an_earlier_version_are_found_again() {
    let disk = Disk::new();
    let mut files = Vec::new();
    for is_complete in [false, true] {
        let mut file = TestFile::with_parts_of(&disk.store, 1000, 2000).await;
        let mut etags = vec![file.store_part(&disk.store, 1).await];
        etags.push(file.store_part(&disk.store, 2).await);
        if is_complete {
            file.complete_ok(&disk.store, &etags).await;
        } else {
            file.bytes[0] ^= 1;
            etags[0] = file
                .replace_part(&disk.store, 1, file.part(1))
                .await
                .unwrap();
        }
        files.push((file, etags));
    }
    for path in disk.held() {
        let shard = path.parent().unwrap();
        let is_first = shard.file_name().unwrap() == "00";
        let shard = shard.with_file_name(if is_first { "01" } else { "00" });
        fs::create_dir_all(&shard).unwrap();
        fs::rename(&path, shard.join(path.file_name().unwrap())).unwrap();
    }
    fs::remove_file(disk.folder.path().join("layout.version")).unwrap();

    let disk = disk.reopen().await;
    let (running, etags) = &files[0];
    running.complete_ok(&disk.store, etags).await;
    for (file, _) in &files {
        file.assert_object(&disk.store, &file.bytes).await;
    }
    let disk = disk.reopen().await;
    assert_eq!(disk.held().len(), files.len());
}

#[test]
fn a_store_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("layout.version"), "3").unwrap();
    let refused = DiskStore::open(folder.path(), BASE_URL)
        .map(drop)
        .unwrap_err();
    assert!(
        refused.to_string().contains("start a newer program"),
        "{refused}"
    );
}

#[tokio::test]
async fn pages_go_on_after_a_key_that_is_gone() {
    let disk = Disk::new();
    for n in 0..10 {
        let file = file_of(n, &disk).await;
        file.store_part(&disk.store, 1).await;
    }
    let mut seen = 0;
    let mut after = None;
    while let Some(key) = disk.store.list_keys(after.as_ref(), 1).await.unwrap().pop() {
        let upload = Upload {
            key: key.clone(),
            id: UploadId(String::new()),
        };
        disk.store.abort_upload(&upload).await.unwrap();
        seen += 1;
        after = Some(key);
    }
    assert_eq!(seen, 10);
    assert!(disk.held().is_empty());
}

#[tokio::test]
async fn starting_an_upload_needs_no_disk() {
    let disk = Disk::new();
    let key = ObjectKey::parse("a/b").unwrap();
    let started = disk.store.create_upload(&key, "text/csv").now_or_never();
    assert!(started.unwrap().is_ok());
}

#[tokio::test]
async fn a_part_has_a_bounded_number_of_versions() {
    let disk = Disk::new();
    let file = TestFile::with_parts_of(&disk.store, 1000, 1000).await;
    file.store_all(&disk.store).await;
    for version in 1..=8 {
        let bytes = file.other_part(1, version);
        file.replace_part(&disk.store, 1, &bytes).await.unwrap();
    }
    let refused = file
        .replace_part(&disk.store, 1, &file.other_part(1, 9))
        .await;
    assert!(matches!(refused, Err(PutPartError::TooManyVersions)));
    // The same bytes again are no new version.
    let bytes = file.other_part(1, 3);
    let etag = file.replace_part(&disk.store, 1, &bytes).await.unwrap();
    file.complete_ok(&disk.store, &[etag]).await;
    file.assert_object(&disk.store, &bytes).await;
    assert_eq!(disk.held(), [disk.object(&file.upload)]);
}
