//! A disk that is full: a small file system of its own, in a mount namespace of its own.

use std::path::PathBuf;
use std::process::Command;

use futures_util::StreamExt;
use moc_uploads_blob_disk::DiskStore;
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{ObjectStore, ObjectStoreError, PutPartError};
use moc_uploads_testkit::object_store::{TestFile, body};

use crate::common::BASE_URL;

const CHUNK_BYTES: usize = 16 * 1024;

/// Runs the test below where it can't do harm and needs no rights.
#[test]
fn a_full_disk_is_unavailable_and_keeps_what_was_acknowledged() {
    let script = "mount -t tmpfs -o size=3m,nr_inodes=2000 none \"$TMPDIR\" && \
                  exec \"$0\" --exact full_disk::on_a_small_disk --ignored";
    let mount = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .env("TMPDIR", mount.path())
        .output()
        .expect("unshare of util-linux");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{stdout}{stderr}"
    );
}

#[tokio::test]
#[ignore = "run by the test above, on a file system of 3 MiB"]
async fn on_a_small_disk() {
    let store = DiskStore::open(std::env::temp_dir().join("blobs"), BASE_URL).unwrap();
    let kept = TestFile::with_parts_of(&store, 1_000_000, 2_000_000).await;
    let etags = kept.store_all(&store).await;

    // What would not fit makes nothing.
    let free_before = free_bytes();
    let too_large = TestFile::with_parts_of(&store, 1_000_000, 1_000_000).await;
    for replaces in [false, true] {
        let body = body(&too_large.bytes, CHUNK_BYTES, None);
        let put = too_large.put(1, replaces);
        refused(store.put_part(&too_large.upload, put, body).await);
    }
    assert_eq!(free_bytes(), free_before);

    // What did fit, until others took the room, is given back, but for the folders.
    let other = TestFile::with_parts_of(&store, 900_000, 900_000).await;
    for (replaces, will_be_hashed) in [(false, false), (false, true), (true, false)] {
        let mut put = other.put(1, replaces);
        put.will_be_hashed = will_be_hashed;
        let body = body(&other.bytes, CHUNK_BYTES, None).enumerate();
        let body = body.map(move |(index, chunk)| {
            if index == 40 {
                assert!(
                    free_bytes() < free_before - 200 * 1024,
                    "nothing is written yet"
                );
                fill();
            }
            chunk
        });
        refused(store.put_part(&other.upload, put, Box::pin(body)).await);
        std::fs::remove_file(filler()).unwrap();
        assert!(free_before - free_bytes() < 64 * 1024);
    }

    // Completing needs no space.
    kept.complete_ok(&store, &etags).await;
    kept.assert_object(&store, &kept.bytes).await;

    // And there is room again once the other is given up.
    store.abort_upload(&other.upload).await.unwrap();
    let small = TestFile::with_parts_of(&store, 500_000, 500_000).await;
    let etag = small.store_part(&store, 1).await;
    small.complete_ok(&store, &[etag]).await;
    small.assert_object(&store, &small.bytes).await;
}

fn refused(result: Result<ETag, PutPartError>) {
    assert!(
        matches!(
            result,
            Err(PutPartError::Store(ObjectStoreError::Unavailable(_)))
        ),
        "{result:?}"
    );
}

fn filler() -> PathBuf {
    std::env::temp_dir().join("filler")
}

/// Leaves less than a part may use, or what others write meanwhile leaves.
fn fill() {
    let _ = std::fs::write(filler(), vec![0; free_bytes() as usize - CHUNK_BYTES]);
}

fn free_bytes() -> u64 {
    let disk = rustix::fs::statvfs(std::env::temp_dir()).unwrap();
    disk.f_bavail * disk.f_frsize
}
