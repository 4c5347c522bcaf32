//! `moc-uploads doctor`: the configuration against the real things, in words.

mod auth;
mod bucket;
mod bucket_advice;
mod database;
mod disk;
mod report;

use crate::config::{BlobConfig, Config, DatabaseConfig};
pub(crate) use report::Report;

/// Looks at everything that the configuration names, and changes nothing that lasts.
pub(crate) async fn examine(config: &Config) -> Report {
    let mut report = Report::default();
    for warning in &config.warnings {
        report.warning("settings", warning, "See `moc-uploads config`.");
    }
    match &config.database {
        DatabaseConfig::Postgres(options) => database::postgres(options, &mut report).await,
        DatabaseConfig::Sqlite(file) => database::sqlite(file, &mut report).await,
    }
    match &config.blobs {
        BlobConfig::S3(options) => {
            let (stage, origins) = (&config.settings.stage, &config.cors);
            bucket::examine(options, stage, origins, &mut report).await;
        }
        BlobConfig::Disk => disk::files(&config.data_dir, &mut report),
    }
    auth::keys(&config.auth.keys, &mut report).await;
    report
}
