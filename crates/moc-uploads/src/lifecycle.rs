//! Serves connections until the process is told to stop, then lets what is running finish.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use http::header::CONNECTION;
use http::{HeaderValue, Version};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use moc_uploads_api::Readiness;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

/// A client that takes longer for a request's head is cut, and so is a connection that is idle for
/// longer: load balancers let go of theirs after 60 s, and must be the first to do so.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// A client that takes nothing of an answer for this long is cut.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// HTTP/2 clients that are silent are asked whether they are still there.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Bytes of an answer that wait in memory, for each stream of an HTTP/2 connection.
const MAX_SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Bytes of a request's head, and of what is read from a connection at once.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// After the system refused a connection for want of something (file descriptors, memory).
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// SIGTERM and SIGINT.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on these signals don't end the process by themselves.
    ///
    /// # Errors
    /// Those of the system.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What connections watch, and what is running.
#[derive(Clone)]
struct Server {
    router: Router,
    http: auto::Builder<TokioExecutor>,
    /// No new connections, and no further request on a connection that has had one since.
    draining: CancellationToken,
    /// No request is running: idle connections are closed.
    closing: CancellationToken,
    /// Whatever is running is cut.
    aborting: CancellationToken,
    requests: TaskTracker,
    /// What goes on when its client has gone.
    detached: TaskTracker,
    connections: TaskTracker,
}

impl Server {
    fn new(router: Router, detached: TaskTracker) -> Self {
        Self {
            router,
            http: http_builder(),
            draining: CancellationToken::new(),
            closing: CancellationToken::new(),
            aborting: CancellationToken::new(),
            requests: TaskTracker::new(),
            detached,
            connections: TaskTracker::new(),
        }
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// What is under way in the background may still end.
    InOrder,
    /// By a second signal.
    AtOnce,
}

/// Serves until the first signal, then drains: the listener closes, `/readyz` says 503 to those who
/// are still connected, running requests and what is `detached` from them get `grace` to finish. A
/// second signal cuts them, and is told: there is to be no more waiting.
pub(crate) async fn serve_until_stopped(
    listener: TcpListener,
    router: Router,
    detached: TaskTracker,
    readiness: &Readiness,
    grace: Duration,
    signals: &mut StopSignals,
) -> Stopped {
    let server = Server::new(router, detached);
    let signal = tokio::select! {
        () = accept(listener, &server) => return Stopped::InOrder,
        signal = signals.next() => signal,
    };
    readiness.shut_down();
    server.draining.cancel();
    server.requests.close();
    server.detached.close();
    server.connections.close();
    tracing::info!(
        signal,
        request_count = server.requests.len(),
        connection_count = server.connections.len(),
        "shutting down"
    );
    let finished = async {
        server.requests.wait().await;
        // Only requests begin such work.
        server.detached.wait().await;
        server.closing.cancel();
        server.connections.wait().await;
    };
    let (cut_by, stopped) = tokio::select! {
        () = finished => return Stopped::InOrder,
        () = tokio::time::sleep(grace) => ("SHUTDOWN_GRACE_SECONDS", Stopped::InOrder),
        signal = signals.next() => (signal, Stopped::AtOnce),
    };
    tracing::warn!(
        cut_by,
        request_count = server.requests.len(),
        detached_count = server.detached.len(),
        connection_count = server.connections.len(),
        "running requests are cut"
    );
    server.aborting.cancel();
    server.connections.wait().await;
    stopped
}

async fn accept(listener: TcpListener, server: &Server) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                server
                    .connections
                    .spawn(serve_connection(stream, server.clone()));
            }
            Err(error) if concerns_one_connection(&error) => {
                tracing::debug!(%error, "connection lost before it was accepted");
            }
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted, trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn serve_connection(stream: TcpStream, server: Server) {
    // It only makes answers faster; nothing is lost without.
    let _ = stream.set_nodelay(true);
    let first_request = Notify::new();
    let last_request = Notify::new();
    let service = service_fn(|request: Request<Incoming>| {
        let running = server.requests.token();
        first_request.notify_one();
        let is_last = server.draining.is_cancelled();
        if is_last {
            last_request.notify_one();
        }
        let says_close = is_last && request.version() < Version::HTTP_2;
        let mut router = server.router.clone();
        async move {
            let Ok(mut response) = router.call(request).await;
            if says_close {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            drop(running);
            Ok::<_, Infallible>(response)
        }
    });
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(WRITE_TIMEOUT));
    let stream = TokioIo::new(Box::pin(stream));
    let mut connection = pin!(server.http.serve_connection(stream, service));
    let mut silence = pin!(tokio::time::timeout(HEAD_TIMEOUT, first_request.notified()));
    let mut is_silent = true;
    let mut is_last = false;
    loop {
        tokio::select! {
            result = connection.as_mut() => {
                if let Err(error) = result {
                    tracing::debug!(%error, "connection ended early");
                }
                return;
            }
            heard = silence.as_mut(), if is_silent => {
                if heard.is_err() {
                    return;
                }
                is_silent = false;
            }
            () = last_request_or_closing(&last_request, &server.closing), if !is_last => {
                connection.as_mut().graceful_shutdown();
                is_last = true;
            }
            () = server.aborting.cancelled() => return,
        }
    }
}

async fn last_request_or_closing(last_request: &Notify, closing: &CancellationToken) {
    tokio::select! {
        () = last_request.notified() => {}
        () = closing.cancelled() => {}
    }
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .half_close(true)
        .max_buf_size(MAX_HEAD_BYTES);
    http.http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .max_send_buf_size(MAX_SEND_BUFFER_BYTES)
        .max_header_list_size(MAX_HEAD_BYTES as u32);
    http
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let client = client.await.unwrap();
        (client, listener.accept().await.unwrap().0)
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_stop_reading_an_answer_are_cut() {
        let endless = || async {
            let frame = Ok::<_, Infallible>(Bytes::from_static(&[0; 65536]));
            Body::from_stream(futures_util::stream::repeat(frame))
        };
        let (mut client, stream) = connected().await;
        let request = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n";
        client.write_all(request).await.unwrap();
        let router = Router::new().route("/", get(endless));
        serve_connection(stream, Server::new(router, TaskTracker::new())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn clients_that_have_said_all_are_answered() {
        let slow = || async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            "done"
        };
        let (mut client, stream) = connected().await;
        let request = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n";
        client.write_all(request).await.unwrap();
        client.shutdown().await.unwrap();
        let router = Router::new().route("/", get(slow));
        serve_connection(stream, Server::new(router, TaskTracker::new())).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("\r\n\r\ndone"), "{answer:?}");
    }

    /// The connection ends after time has passed, which needs no waiting here.
    #[tokio::test(start_paused = true)]
    async fn clients_that_never_finish_a_head_are_cut() {
        for said in [
            "",
            "G",
            "PRI * HTTP/2",
            "GET / HTTP/1.1\r\nHost: t\r\nX-Drip: 1\r\n",
        ] {
            let (mut client, stream) = connected().await;
            client.write_all(said.as_bytes()).await.unwrap();
            let started = tokio::time::Instant::now();
            let server = tokio::spawn(serve_connection(
                stream,
                Server::new(Router::new(), TaskTracker::new()),
            ));
            let mut answer = Vec::new();
            // Whether it is told 408 or nothing is hyper's business.
            client.read_to_end(&mut answer).await.unwrap();
            server.await.unwrap();
            assert!(started.elapsed() <= 2 * HEAD_TIMEOUT, "{said:?}");
        }
    }
}
