//! A store that is gone, slow or busy.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use moc_uploads_blob_s3::{S3Options, S3Store, Timeouts};
use moc_uploads_core::part::ETag;
use moc_uploads_core::ports::{ObjectStore, ObjectStoreError, PutPartError};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::object_store::{PART_BYTES, TestFile, body};
use moc_uploads_testkit::s3::{Bucket, Swift, is_skipped};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use crate::listener::{self, listener, unstored_file};

const SHORT: Timeouts = Timeouts {
    connect: Duration::from_millis(200),
    read: Duration::from_millis(200),
    operation: Duration::from_secs(2),
};

fn options(endpoint: String) -> S3Options {
    S3Options {
        timeouts: SHORT,
        ..listener::options(endpoint)
    }
}

async fn connect(options: S3Options) -> S3Store {
    S3Store::connect(options, Arc::new(ManualClock::new())).await
}

#[track_caller]
fn assert_unavailable<T: std::fmt::Debug>(result: Result<T, ObjectStoreError>) {
    match result {
        Err(ObjectStoreError::Unavailable(_)) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_gone_is_unavailable_and_comes_back_by_itself() {
    if is_skipped() {
        return;
    }
    let bucket = Bucket::on(Swift::private());
    let store = crate::common::connect(&bucket).await;
    let file = TestFile::new(&store, PART_BYTES + 1).await;
    let first = file.store_part(&store, 1).await;

    bucket.swift().stop();
    assert_unavailable(store.ping().await);
    assert_unavailable(
        store
            .create_upload(&file.upload.key, "application/pdf")
            .await,
    );
    assert_unavailable(store.object_size(&file.upload.key).await);
    assert_unavailable(store.list_parts(&file.upload).await);
    assert_unavailable(
        file.complete(&store, std::slice::from_ref(&first), None)
            .await,
    );
    let part = body(file.part(2), 1024, None);
    let put = store.put_part(&file.upload, file.put(2, false), part).await;
    assert!(
        matches!(
            put,
            Err(PutPartError::Store(ObjectStoreError::Unavailable(_)))
        ),
        "{put:?}"
    );

    bucket.swift().start();
    let second = file.store_part(&store, 2).await;
    file.complete_ok(&store, &[first, second]).await;
    file.assert_object(&store, &file.bytes).await;
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_not_waited_for() {
    let (endpoint, _) = listener(async |connection| {
        let _silent = connection;
        std::future::pending::<()>().await;
    })
    .await;
    let store = connect(options(endpoint)).await;
    assert_unavailable(store.ping().await);
}

/// With the defaults: whoever waits is told before a load balancer tells them. Tokio's time stands
/// still while anybody works, and jumps when all wait.
#[tokio::test(start_paused = true)]
async fn a_silent_store_is_waited_for_as_long_as_is_documented() {
    let (endpoint, _) = listener(async |connection| {
        let _silent = connection;
        std::future::pending::<()>().await;
    })
    .await;
    let store = connect(listener::options(endpoint)).await;
    let (small, large) = (unstored_file(1000), unstored_file(16 * 1024 * 1024));
    let (upload, key) = (&small.upload, &small.upload.key);
    let put = async |file: &TestFile| {
        let part = body(&file.bytes, 64 * 1024, None);
        let put = store.put_part(&file.upload, file.put(1, false), part);
        put.await.map_err(|error| match error {
            PutPartError::Store(error) => error,
            other => panic!("{other}"),
        })
    };
    assert_unavailable_in(10, store.ping()).await;
    assert_unavailable_in(10, store.create_upload(key, "application/pdf")).await;
    assert_unavailable_in(10, store.list_parts(upload)).await;
    assert_unavailable_in(10, store.object_size(key)).await;
    let read = async { store.read_object(key, 0..1).await.map(drop) };
    assert_unavailable_in(10, read).await;
    assert_unavailable_in(10, store.abort_upload(upload)).await;
    assert_unavailable_in(10, put(&small)).await;
    assert_unavailable_in(10, put(&large)).await;
    let parts = [ETag::parse("e")];
    assert_unavailable_in(20, small.complete(&store, &parts, None)).await;
}

async fn assert_unavailable_in<T: std::fmt::Debug>(
    seconds: u64,
    call: impl Future<Output = Result<T, ObjectStoreError>>,
) {
    let limit = Duration::from_millis(seconds * 1000 + 500);
    let begun_at = Instant::now();
    match timeout(limit, call).await {
        Ok(result) => assert_unavailable(result),
        Err(_) => panic!("not in {seconds} s"),
    }
    let waited = begun_at.elapsed();
    assert!(waited >= Duration::from_secs(seconds), "only {waited:?}");
}

#[tokio::test]
async fn a_store_that_takes_no_bytes_is_not_waited_for() {
    let (endpoint, _) = listener(async |mut connection| {
        // The head of the request, and no more.
        let _ = connection.read(&mut [0; 1024]).await;
        std::future::pending::<()>().await;
    })
    .await;
    let file = unstored_file(16 * 1024 * 1024);
    let store = connect(options(endpoint)).await;
    let part = body(&file.bytes, 64 * 1024, None);
    let put = store.put_part(&file.upload, file.put(1, false), part).await;
    assert!(
        matches!(
            put,
            Err(PutPartError::Store(ObjectStoreError::Unavailable(_)))
        ),
        "{put:?}"
    );
}

/// A part can't be sent twice: its client does that. What else is asked about it is.
#[tokio::test]
async fn a_busy_store_is_asked_again_but_for_parts() {
    let (endpoint, count) = listener(async |mut connection| {
        let _ = connection.read(&mut [0; 64 * 1024]).await;
        let busy = "<Error><Code>SlowDown</Code></Error>";
        let head = format!(
            "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{busy}",
            busy.len()
        );
        let _ = connection.write_all(head.as_bytes()).await;
    })
    .await;
    let file = unstored_file(1000);
    let store = connect(options(endpoint)).await;
    assert_unavailable(store.abort_upload(&file.upload).await);
    assert_eq!(count.swap(0, Ordering::Relaxed), 3);
    let part = body(&file.bytes, 1000, None);
    let put = store.put_part(&file.upload, file.put(1, false), part).await;
    assert!(
        matches!(
            put,
            Err(PutPartError::Store(ObjectStoreError::Unavailable(_)))
        ),
        "{put:?}"
    );
    assert!(count.load(Ordering::Relaxed) <= 4);
}

/// S3 answers that it will complete an upload before it has: 200, and what went wrong in the body.
#[tokio::test]
async fn a_failure_that_is_told_with_status_200_is_the_stores() {
    let (endpoint, _) = listener(async |mut connection| {
        let _ = connection.read(&mut [0; 64 * 1024]).await;
        let failed = "<?xml version=\"1.0\"?><Error><Code>InternalError</Code></Error>";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{failed}",
            failed.len()
        );
        let _ = connection.write_all(answer.as_bytes()).await;
    })
    .await;
    let file = unstored_file(1000);
    let store = connect(options(endpoint)).await;
    assert_unavailable(file.complete(&store, &[ETag::parse("e")], None).await);
}
