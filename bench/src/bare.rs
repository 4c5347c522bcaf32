//! The peer: a PUT server on hyper that streams bodies to files and answers when bytes and name
//! would survive power loss. It knows no users, keeps no records and writes no log.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::Result;

/// Bytes per write: large enough that handing them to a blocking thread costs nothing.
const BATCH_BYTES: usize = 512 * 1024;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the bodies go, a file each.
    #[arg(long)]
    dir: PathBuf,
}

struct Folder {
    path: PathBuf,
    handle: File,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let folder = Arc::new(Folder {
        path: args.dir.clone(),
        handle: File::open(&args.dir)?,
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(folder))
}

async fn serve(folder: Arc<Folder>) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let folder = Arc::clone(&folder);
        let service = service_fn(move |request| put(Arc::clone(&folder), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A client that goes away is no news here.
            let _ = connection.await;
        });
    }
}

async fn put(folder: Arc<Folder>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>> {
    let name = request.uri().path().trim_start_matches('/').to_owned();
    let is_plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let status = if request.method() == Method::PUT && is_plain {
        store(folder, name, request.into_body()).await?;
        StatusCode::CREATED
    } else {
        StatusCode::BAD_REQUEST
    };
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    Ok(response)
}

/// Receives the next batch while the one before is being written; a body of a single batch costs
/// one trip to a blocking thread.
async fn store(folder: Arc<Folder>, name: String, mut body: Incoming) -> Result<()> {
    let temporary = folder.path.join(format!("{name}.part"));
    let mut writing: Option<JoinHandle<Result<File>>> = None;
    let mut batch = Vec::new();
    let mut batch_bytes = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        batch_bytes += data.len();
        batch.push(data);
        if batch_bytes >= BATCH_BYTES {
            let file = file_of(writing.take()).await?;
            let (batch, path) = (std::mem::take(&mut batch), temporary.clone());
            batch_bytes = 0;
            writing = Some(spawn_blocking(move || write(file, &path, &batch)));
        }
    }
    let file = file_of(writing.take()).await?;
    spawn_blocking(move || {
        let file = write(file, &temporary, &batch)?;
        file.sync_data()?;
        std::fs::rename(&temporary, folder.path.join(name))?;
        folder.handle.sync_all()?;
        Ok(())
    })
    .await?
}

async fn file_of(writing: Option<JoinHandle<Result<File>>>) -> Result<Option<File>> {
    match writing {
        Some(writing) => writing.await?.map(Some),
        None => Ok(None),
    }
}

fn write(file: Option<File>, path: &Path, batch: &[Bytes]) -> Result<File> {
    let mut file = match file {
        Some(file) => file,
        None => File::create(path)?,
    };
    let mut slices: Vec<IoSlice<'_>> = batch.iter().map(|data| IoSlice::new(data)).collect();
    let mut slices = slices.as_mut_slice();
    while !slices.is_empty() {
        let written = file.write_vectored(slices)?;
        IoSlice::advance_slices(&mut slices, written);
    }
    Ok(file)
}
