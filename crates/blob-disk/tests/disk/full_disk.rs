//! A disk that is full: a small file system of its own, in a mount namespace of its own.

use std::process::Command;

use moc_uploads_blob_disk::DiskStore;
use moc_uploads_core::ports::{ObjectStore, ObjectStoreError, PutPartError};
use moc_uploads_testkit::object_store::TestFile;

use crate::common::BASE_URL;

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

    let free_before = free_bytes();
    let other = TestFile::with_parts_of(&store, 2_000_000, 2_000_000).await;
    for replaces in [false, true] {
        let body = moc_uploads_testkit::object_store::body(&other.bytes, 64 * 1024, None);
        let result = store
            .put_part(&other.upload, other.put(1, replaces), body)
            .await;
        assert!(
            matches!(
                result,
                Err(PutPartError::Store(ObjectStoreError::Unavailable(_)))
            ),
            "{result:?}"
        );
    }
    // What they had written is given back, but for the folders.
    assert!(free_before - free_bytes() < 64 * 1024);

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

fn free_bytes() -> u64 {
    let disk = rustix::fs::statvfs(std::env::temp_dir()).unwrap();
    disk.f_bavail * disk.f_frsize
}
