//! Traces get to a collector that the test starts.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use moc_uploads_testkit::server::Server;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

async fn collector() -> (String, UnboundedReceiver<Bytes>) {
    let (sender, received) = unbounded_channel();
    let take = |State(sender): State<UnboundedSender<Bytes>>, body: Bytes| async move {
        sender.send(body).unwrap();
    };
    let router = Router::new()
        .route("/v1/traces", post(take))
        .with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, received)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_in_the_trace_of_its_caller() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    let (url, mut received) = collector().await;
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(
        env!("CARGO_BIN_EXE_moc-uploads"),
        data.path(),
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("{url}/"))],
    );
    let path = "/api/mocs/uploads/sessions?limit=1&signature=never-to-be-seen";
    reqwest::Client::new()
        .get(format!("{}{path}", server.url()))
        .header("traceparent", format!("00-{TRACE_ID}-b7ad6b7169203331-01"))
        .header("x-correlation-id", "seen-in-the-trace")
        .send()
        .await
        .unwrap();
    // Whatever waits is sent at the end.
    let status = tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
    assert!(status.success());

    let mut traces = Vec::new();
    while let Ok(body) = received.try_recv() {
        traces.extend_from_slice(&body);
    }
    let trace_id = hex::decode(TRACE_ID).unwrap();
    for expected in [
        &trace_id[..],
        b"moc-uploads",
        b"seen-in-the-trace",
        b"/api/mocs/uploads/sessions",
        b"request answered",
    ] {
        assert!(
            contains(&traces, expected),
            "{:?} is not in what was sent",
            String::from_utf8_lossy(expected)
        );
    }
    assert!(!contains(&traces, b"never-to-be-seen"));
}
