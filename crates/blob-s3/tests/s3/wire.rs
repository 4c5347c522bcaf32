//! What is sent, where the tests' own S3 takes more than others or less.

use std::sync::{Arc, Mutex};

use moc_uploads_blob_s3::{Encryption, S3Options, S3Store};
use moc_uploads_core::ports::ObjectStore;
use moc_uploads_testkit::builders::{file_id, session_id};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::object_store::body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::listener::{self, listener, unstored_file};

/// A store that answers nothing but errors, and the heads of the requests that come to it, in
/// lower case.
async fn recorded(change: impl FnOnce(&mut S3Options)) -> (S3Store, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&heads);
    let (endpoint, _) = listener(move |mut connection| {
        let recorded = Arc::clone(&recorded);
        async move {
            let mut request = Vec::new();
            while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                if connection.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            let head = String::from_utf8_lossy(&request).to_lowercase();
            recorded.lock().unwrap().push(head);
            let answer =
                b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            let _ = connection.write_all(answer).await;
        }
    })
    .await;
    let mut options = listener::options(endpoint);
    change(&mut options);
    let store = S3Store::connect(options, Arc::new(ManualClock::new())).await;
    (store, heads)
}

#[tokio::test]
async fn an_upload_has_its_type_and_asks_for_encryption() {
    for (encryption, header) in [
        (
            Encryption::Aes256,
            "x-amz-server-side-encryption: aes256\r\n",
        ),
        (Encryption::Kms, "x-amz-server-side-encryption: aws:kms\r\n"),
        (Encryption::None, ""),
    ] {
        let (store, heads) = recorded(|options| options.encryption = encryption).await;
        let file = unstored_file(10);
        let created = store.create_upload(&file.upload.key, "image/png").await;
        assert!(created.is_err());
        let heads = heads.lock().unwrap();
        assert!(
            heads[0].contains("content-type: image/png\r\n"),
            "{heads:?}"
        );
        assert!(heads[0].contains(header), "{heads:?}");
        let is_asked_for = heads[0].contains("server-side-encryption");
        assert_eq!(is_asked_for, encryption != Encryption::None, "{heads:?}");
    }
    assert_eq!(S3Options::new("mocs").encryption, Encryption::Aes256);
}

#[tokio::test]
async fn a_part_has_its_length_an_unsigned_payload_and_no_checksum() {
    let (store, heads) = recorded(|_| ()).await;
    let file = unstored_file(100_000);
    let part = body(&file.bytes, 1000, None);
    let put = store.put_part(&file.upload, file.put(1, false), part).await;
    assert!(put.is_err());
    let heads = heads.lock().unwrap();
    let head = heads.iter().find(|head| head.starts_with("put ")).unwrap();
    assert!(head.contains("content-length: 100000\r\n"), "{head}");
    assert!(
        head.contains("x-amz-content-sha256: unsigned-payload\r\n"),
        "{head}"
    );
    for other in ["transfer-encoding", "checksum", "aws-chunked", "trailer"] {
        assert!(!head.contains(other), "{other} in {head}");
    }
}

#[tokio::test]
async fn urls_name_the_bucket_as_the_endpoint_wants_it() {
    let aws = S3Options {
        region: "eu-central-1".to_owned(),
        ..S3Options::new("mocs")
    };
    let other = S3Options {
        endpoint: Some("https://s3.example:9000".to_owned()),
        ..S3Options::new("mocs")
    };
    let file = unstored_file(10);
    for (options, base) in [
        (aws, "https://mocs.s3.eu-central-1.amazonaws.com"),
        (other, "https://s3.example:9000/mocs"),
    ] {
        let store = S3Store::connect(options, Arc::new(ManualClock::new())).await;
        let url = store.object_url(session_id(), file_id(), &file.upload.key);
        assert_eq!(url, format!("{base}/{}", file.upload.key));
    }
}
