//! Part URLs of this store lead back to this server, for one part and until they expire.

use std::time::Duration;

use crate::common::{BASE_URL, Disk};
use moc_uploads_blob_disk::DiskStore;
use moc_uploads_core::ports::{ObjectStore, PartAddress};
use moc_uploads_core::time::Timestamp;
use moc_uploads_testkit::builders::{file_id, session_id};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::object_store::TestFile;
use proptest::test_runner::TestRunner;
use proptest::{prop_assert, prop_assert_eq};

fn address(part_number: u32) -> PartAddress {
    PartAddress {
        session_id: session_id(),
        file_id: file_id(),
        part_number,
    }
}

async fn signature(store: &DiskStore, address: PartAddress, expires_at: Timestamp) -> String {
    let file = TestFile::new(store, 1).await;
    let url = store
        .presign_part(&file.upload, address, expires_at)
        .await
        .unwrap()
        .url;
    let PartAddress {
        session_id,
        file_id,
        part_number,
    } = address;
    let before = format!(
        "{BASE_URL}/api/mocs/uploads/sessions/{session_id}/files/{file_id}/parts/{part_number}\
         ?expires={}&signature=",
        expires_at.unix_ms()
    );
    url.strip_prefix(&before).unwrap().to_owned()
}

#[tokio::test]
async fn a_signature_is_good_for_its_part_and_expiry_alone() {
    let Disk { store, folder: _f } = Disk::new();
    let (address, expires_at) = (address(12), ManualClock::START);
    let signature = signature(&store, address, expires_at).await;
    assert!(store.verify_part_signature(address, expires_at, &signature));

    let others = [
        PartAddress {
            session_id: session_id(),
            ..address
        },
        PartAddress {
            file_id: file_id(),
            ..address
        },
        PartAddress {
            part_number: 1,
            ..address
        },
        PartAddress {
            part_number: 121,
            ..address
        },
    ];
    for other in others {
        assert!(!store.verify_part_signature(other, expires_at, &signature));
    }
    for other in [
        expires_at + Duration::from_millis(1),
        expires_at - Duration::from_millis(1),
    ] {
        assert!(!store.verify_part_signature(address, other, &signature));
    }
}

#[tokio::test]
async fn a_signature_outlives_the_process_but_not_the_key() {
    let disk = Disk::new();
    let (address, expires_at) = (address(1), ManualClock::START);
    let signature = signature(&disk.store, address, expires_at).await;
    let disk = disk.reopen().await;
    assert!(
        disk.store
            .verify_part_signature(address, expires_at, &signature)
    );
    let other = Disk::new();
    assert!(
        !other
            .store
            .verify_part_signature(address, expires_at, &signature)
    );
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_base_url_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = DiskStore::open(folder.path(), "https://example.com/base/").unwrap();
    let file = TestFile::new(&store, 1).await;
    let (session_id, file_id) = (session_id(), file_id());
    assert_eq!(
        store.object_url(session_id, file_id, &file.upload.key),
        format!(
            "https://example.com/base/api/mocs/uploads/sessions/{session_id}/files/{file_id}/content"
        )
    );
}

#[test]
fn no_other_text_is_a_signature() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Disk { store, folder: _f } = Disk::new();
    let (address, expires_at) = (address(3), ManualClock::START);
    let signature = runtime.block_on(signature(&store, address, expires_at));
    let verify = |text: &str| store.verify_part_signature(address, expires_at, text);

    let strategy = (0..signature.len(), "[0-9a-f]", ".{0,80}");
    TestRunner::default()
        .run(&strategy, |(position, digit, text)| {
            prop_assert!(!verify(&text));
            prop_assert!(!verify(&signature[..position]));
            let mut changed = signature.clone();
            changed.replace_range(position..=position, &digit);
            prop_assert_eq!(verify(&changed), changed == signature);
            Ok(())
        })
        .unwrap();
}
