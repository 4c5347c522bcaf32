//! The upload client: speaks the HTTP of `CONTRACT.md` and nothing else, so it works against any
//! server of this API.

use std::process::ExitCode;

/// What `moc-uploads upload` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct UploadArgs {}

/// Uploads the files and creates the MOC; the exit code says how it went.
pub async fn run(_args: UploadArgs) -> ExitCode {
    ExitCode::FAILURE
}
