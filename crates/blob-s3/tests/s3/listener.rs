//! Something that listens where a store is expected, and files to send to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use moc_uploads_blob_s3::S3Options;
use moc_uploads_core::plan::PartPlan;
use moc_uploads_testkit::builders::{instruction, new_file, session_id, user};
use moc_uploads_testkit::object_store::{TestFile, bytes};
use tokio::net::{TcpListener, TcpStream};

/// Somebody who listens on a port of their own, and answers each connection in this way. How often
/// they were asked is counted.
pub(crate) async fn listener<F, Fut>(answer: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answer(connection));
        }
    });
    (endpoint, count)
}

/// A file of one part whose upload no store knows.
pub(crate) fn unstored_file(size_bytes: u64) -> TestFile {
    TestFile {
        upload: new_file(&user("o"), session_id(), instruction("x", size_bytes)).upload,
        plan: PartPlan::new(size_bytes, size_bytes),
        bytes: bytes(size_bytes, 1),
        will_be_hashed: false,
    }
}

/// How it is reached.
pub(crate) fn options(endpoint: String) -> S3Options {
    S3Options {
        endpoint: Some(endpoint),
        ..crate::common::settings("mocs")
    }
}
