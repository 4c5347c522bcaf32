//! The bucket: every operation that a server needs of it, on an object of our own.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use moc_uploads_api::CorsOrigins;
use moc_uploads_blob_s3::{S3Options, S3Store};
use moc_uploads_core::causes;
use moc_uploads_core::ids::{FileId, IdGenerator, SessionId, TimeOrderedIds};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::PartReceipt;
use moc_uploads_core::plan::PartPlan;
use moc_uploads_core::ports::{
    CompleteUpload, CompleteUploadOutcome, ObjectStore, ObjectStoreError, PartAddress, PutPart,
    PutPartError, Upload,
};
use moc_uploads_core::time::{Clock, SystemClock, Timestamp};
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, DATE};

use super::{Report, bucket_advice as advice};

const BUCKET: &str = "bucket";
const RIGHTS: &str = "bucket rights";
const CORS: &str = "bucket CORS";
const CLOCK: &str = "bucket clock";
const SWEEP: &str = "bucket sweep";

/// Of our own object, below the prefix of all.
const FOLDER: &str = "doctor/";

const BODY: &[u8] = b"written by moc-uploads doctor, and removed by it";

/// S3 refuses signatures that are 15 minutes off.
const SKEW: Duration = Duration::from_secs(60);

const SOON: Duration = Duration::from_secs(60);

/// The bucket of these options, for this stage and for pages of these origins.
pub(super) async fn examine(
    options: &S3Options,
    stage: &str,
    origins: &CorsOrigins,
    report: &mut Report,
) {
    let store = S3Store::connect(options.clone(), std::sync::Arc::new(SystemClock)).await;
    if let Err(error) = store.ping().await {
        let finding = format!("{options}: {}", causes(&error));
        report.wrong(BUCKET, finding, advice::for_no_bucket(&error));
        return;
    }
    report.ok(BUCKET, format!("{options} answers"));
    let prefix = ObjectKey::prefix(stage);
    let id = TimeOrderedIds.new_id(SystemClock.now());
    let Some(key) = ObjectKey::parse(&format!("{prefix}{FOLDER}{id}.txt")) else {
        return;
    };
    let mut failures = Failures::default();
    let url = try_operations(&store, &prefix, &key, report, &mut failures).await;
    if failures.0.is_empty() {
        report.ok(RIGHTS, format!("all that are needed, under {prefix}"));
    }
    for (failure, advice) in failures.0 {
        report.wrong(RIGHTS, failure, advice);
    }
    if let Some(url) = url {
        preflight(&url, origins, report).await;
    }
}

/// What failed, and what to do.
#[derive(Default)]
struct Failures(Vec<(String, String)>);

impl Failures {
    fn keep<T>(&mut self, right: &'static str, result: Result<T, ObjectStoreError>) -> Option<T> {
        result
            .map_err(|error| {
                self.0
                    .push((causes(&error), advice::for_refused(right, &error)));
            })
            .ok()
    }
}

const PUT: &str = "s3:PutObject";
const ABORT: &str = "s3:AbortMultipartUpload";

/// Gives a URL that a part may be put to.
async fn try_operations(
    store: &S3Store,
    prefix: &str,
    key: &ObjectKey,
    report: &mut Report,
    failures: &mut Failures,
) -> Option<String> {
    let created = store.create_upload(key, "text/plain").await;
    let id = failures.keep(PUT, created)?;
    let upload = Upload {
        key: key.clone(),
        id,
    };
    let address = PartAddress {
        session_id: SessionId(TimeOrderedIds.new_id(SystemClock.now())),
        file_id: FileId(TimeOrderedIds.new_id(SystemClock.now())),
        part_number: 1,
    };
    let expires_at = SystemClock.now() + SOON;
    let presigned = store.presign_part(&upload, address, expires_at).await;
    let url = failures.keep(PUT, presigned).map(|part| part.url);

    let plan = PartPlan::new(BODY.len() as u64, BODY.len() as u64);
    let put = PutPart {
        part_number: 1,
        plan,
        replaces: false,
        will_be_hashed: false,
        checksums: Vec::new(),
    };
    let body = stream::iter([Ok(Bytes::from_static(BODY))]).boxed();
    let put = store.put_part(&upload, put, body).await;
    let put = put.map_err(|error| match error {
        PutPartError::Store(error) => error,
        other => ObjectStoreError::Internal(other.into()),
    });
    if let Some(etag) = failures.keep(PUT, put) {
        failures.keep(
            "s3:ListMultipartUploadParts",
            store.list_parts(&upload).await,
        );
        let listed = store
            .list_uploads(&format!("{prefix}{FOLDER}"), None, 1000)
            .await;
        if let Some(page) = failures.keep("s3:ListBucketMultipartUploads", listed)
            && !page.uploads.iter().any(|found| found.upload == upload)
        {
            report.warning(
                SWEEP,
                "uploads under way are not listed by the beginning of their key, so those that no \
                 file owns are not found",
                "Let the bucket abort uploads that are not completed: by a lifecycle rule, or as MinIO \
                 does by itself after a day (docs/operating.md, \"Bucket: lifecycle\").",
            );
        }
        let complete = CompleteUpload {
            parts: vec![PartReceipt {
                part_number: 1,
                etag,
            }],
            plan,
            sha256: None,
        };
        let completed = store.complete_upload(&upload, complete).await;
        if let Some(CompleteUploadOutcome::Completed(_)) = failures.keep(PUT, completed) {
            failures.keep("s3:GetObject", read_back(store, key).await);
        }
    }
    failures.keep(ABORT, store.abort_upload(&upload).await);
    // Also of one that is never completed.
    if let Some(id) = failures.keep(PUT, store.create_upload(key, "text/plain").await) {
        let other = Upload {
            key: key.clone(),
            id,
        };
        failures.keep(ABORT, store.abort_upload(&other).await);
    }
    failures.keep("s3:DeleteObject", store.delete_object(key).await);
    url
}

async fn read_back(store: &S3Store, key: &ObjectKey) -> Result<(), ObjectStoreError> {
    let otherwise = |what: &str| ObjectStoreError::Internal(what.into());
    let is_gone = || otherwise("what was written is not there");
    let size = store.object_size(key).await?.ok_or_else(is_gone)?;
    let body = store.read_object(key, 0..size).await?.ok_or_else(is_gone)?;
    let chunks: Vec<Bytes> = body.try_collect().await?;
    if chunks.concat() == BODY {
        Ok(())
    } else {
        Err(otherwise("what was written comes back otherwise"))
    }
}

/// As a browser asks before it puts a part, from a page of each origin.
async fn preflight(url: &str, origins: &CorsOrigins, report: &mut Report) {
    let origins: Vec<&str> = match origins {
        CorsOrigins::None => {
            report.ok(CORS, "not needed: CORS_ALLOWED_ORIGINS names no page");
            Vec::new()
        }
        CorsOrigins::Any => vec!["https://any.example.com"],
        CorsOrigins::List(origins) => origins.iter().filter_map(|o| o.to_str().ok()).collect(),
    };
    let ask = |origin: &str| {
        let request = reqwest::Client::new().request(reqwest::Method::OPTIONS, url);
        request
            .header("Origin", origin)
            .header("Access-Control-Request-Method", "PUT")
            .timeout(SOON)
            .send()
    };
    for origin in &origins {
        let answer = ask(origin).await;
        let allowed = answer.as_ref().ok().and_then(|answer| {
            let allowed = answer.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN)?;
            Some(allowed == "*" || allowed == origin)
        });
        if allowed == Some(true) {
            report.ok(CORS, format!("pages of {origin} may put parts"));
        } else {
            report.warning(
                CORS,
                format!("pages of {origin} may not put parts into the bucket"),
                "Set the bucket's CORS rules (docs/operating.md), unless browsers send parts through \
                 this server.",
            );
        }
    }
    let asked_at = SystemClock.now();
    if let Ok(answer) = ask(origins.first().unwrap_or(&"https://any.example.com")).await {
        let date = answer.headers().get(DATE);
        clock(date.and_then(|date| date.to_str().ok()), asked_at, report);
    }
}

/// The bucket's own time is in every answer, to a second.
fn clock(date: Option<&str>, asked_at: Timestamp, report: &mut Report) {
    let Some(date) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return;
    };
    let Ok(since_epoch) = date.duration_since(std::time::UNIX_EPOCH) else {
        return;
    };
    let ahead_ms = since_epoch.as_millis() as i64 - asked_at.unix_ms();
    let finding = format!("about {} s ahead of this machine's", ahead_ms / 1000);
    if ahead_ms.unsigned_abs() > SKEW.as_millis() as u64 {
        report.wrong(CLOCK, finding, advice::KEEP_TIME);
    } else {
        report.ok(CLOCK, finding);
    }
}
