//! The upload client: speaks the HTTP of `CONTRACT.md` and nothing else, so it works against any
//! server of this API.

mod api;
mod args;
mod draft;
mod error;
mod files;
mod finalize;
mod kind;
mod progress;
mod report;
mod resume;
mod retry;
mod session;
mod shell;
mod terminal;
mod transfer;
mod wire;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use etcetera::BaseStrategy;

use session::{Options, Upload};

pub(crate) use api::Api;
pub(crate) use args::UploadArgs;
pub(crate) use error::Error;
pub(crate) use progress::Lines;
pub(crate) use retry::Retry;
pub(crate) use terminal::{escape, json_line};

/// Uploads the files and creates the MOC; `--help` lists the exit statuses.
///
/// The process must have a default TLS provider (rustls on ring).
pub(crate) async fn run(args: UploadArgs) -> ExitCode {
    let is_json = args.json;
    match upload(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err((error, resume_command)) => {
            report::failure(&error, resume_command, is_json);
            ExitCode::from(error.exit_status())
        }
    }
}

async fn upload(args: UploadArgs) -> Result<(), (Error, Option<String>)> {
    let at_once = |error| (error, None);
    let draft = args.draft().map_err(at_once)?;
    let api = Api::new(&args.server, args.token.as_deref()).map_err(at_once)?;
    let files = files::look_at(&args.files, &args.categories).map_err(at_once)?;
    let state_dir = state_dir(args.state_dir.clone()).map_err(at_once)?;
    let reporter = progress::reporter(&args, &files);
    let upload = Upload::new(
        &api,
        &files,
        (Arc::clone(&reporter), args.retries),
        &state_dir,
        Options {
            resume: args.resume,
            allow_duplicates: args.allow_duplicates,
            concurrency: args.concurrency,
        },
    );
    let result = tokio::select! {
        result = upload.run(&draft) => result,
        () = interrupted() => Err(Error::Interrupted),
    };
    reporter.finish();
    match result {
        Ok((moc, files)) => report::success(&moc, &files, args.json).map_err(at_once),
        Err(error) => {
            let command = (upload.is_resumable() && !matches!(error, Error::Usage(_)))
                .then(|| report::resume_command(std::env::args_os(), error.free_title()));
            Err((error, command))
        }
    }
}

fn state_dir(wish: Option<PathBuf>) -> Result<PathBuf, Error> {
    if let Some(dir) = wish {
        return Ok(dir);
    }
    let base = etcetera::base_strategy::Xdg::new()
        .map_err(|_| Error::Usage(vec!["There is no home folder; see --state-dir.".to_owned()]))?;
    let dir = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(dir.join("moc-uploads"))
}

/// Ends with Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
