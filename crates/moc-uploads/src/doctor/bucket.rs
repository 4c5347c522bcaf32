//! The bucket: every operation that a server needs of it, on an object of our own.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use moc_uploads_api::CorsOrigins;
use moc_uploads_blob_s3::{S3Options, S3Store};
use moc_uploads_core::ids::{FileId, IdGenerator, SessionId, TimeOrderedIds};
use moc_uploads_core::object_key::ObjectKey;
use moc_uploads_core::part::PartReceipt;
use moc_uploads_core::plan::PartPlan;
use moc_uploads_core::ports::{
    CompleteUpload, CompleteUploadOutcome, ObjectStore, PartAddress, PutPart, Upload,
};
use moc_uploads_core::time::{Clock, SystemClock, Timestamp};
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, DATE};

use super::Report;

const BUCKET: &str = "bucket";
const RIGHTS: &str = "bucket rights";
const CORS: &str = "bucket CORS";
const CLOCK: &str = "bucket clock";

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
        report.wrong(
            BUCKET,
            format!("{options}: {error}"),
            "Check MOC_BUCKET, AWS_REGION, AWS_ENDPOINT_URL_S3 and the credentials, that this machine \
             may reach it, and the right s3:ListBucket on it.",
        );
        return;
    }
    report.ok(BUCKET, format!("{options} answers"));
    let prefix = ObjectKey::prefix(stage);
    let id = TimeOrderedIds.new_id(SystemClock.now());
    let Some(key) = ObjectKey::parse(&format!("{prefix}doctor/{id}.txt")) else {
        return;
    };
    let mut failures = Failures::default();
    let url = try_operations(&store, &prefix, &key, &mut failures).await;
    if failures.0.is_empty() {
        report.ok(RIGHTS, format!("all that are needed, under {prefix}"));
    }
    for (failure, right) in failures.0 {
        report.wrong(
            RIGHTS,
            failure,
            format!("Allow {right} (see docs/operating.md)."),
        );
    }
    if let Some(url) = url {
        preflight(&url, origins, report).await;
    }
}

/// What failed, and the right that allows it.
#[derive(Default)]
struct Failures(Vec<(String, &'static str)>);

impl Failures {
    fn keep<T>(&mut self, right: &'static str, result: Result<T, impl Display>) -> Option<T> {
        result
            .map_err(|error| self.0.push((error.to_string(), right)))
            .ok()
    }
}

/// Gives a URL that a part may be put to.
async fn try_operations(
    store: &S3Store,
    prefix: &str,
    key: &ObjectKey,
    failures: &mut Failures,
) -> Option<String> {
    const PUT: &str = "s3:PutObject";
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
    let part = PutPart {
        part_number: 1,
        plan,
        replaces: false,
        will_be_hashed: false,
        checksums: Vec::new(),
    };
    let body = stream::iter([Ok(Bytes::from_static(BODY))]).boxed();
    if let Some(etag) = failures.keep(PUT, store.put_part(&upload, part, body).await) {
        failures.keep(
            "s3:ListMultipartUploadParts",
            store.list_parts(&upload).await,
        );
        let listed = store.list_uploads(prefix, None, 1).await;
        failures.keep("s3:ListBucketMultipartUploads", listed);
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
    failures.keep("s3:AbortMultipartUpload", store.abort_upload(&upload).await);
    // Also of one that is never completed.
    if let Some(id) = failures.keep(PUT, store.create_upload(key, "text/plain").await) {
        let other = Upload {
            key: key.clone(),
            id,
        };
        failures.keep("s3:AbortMultipartUpload", store.abort_upload(&other).await);
    }
    failures.keep("s3:DeleteObject", store.delete_object(key).await);
    url
}

async fn read_back(store: &S3Store, key: &ObjectKey) -> Result<(), String> {
    let size = store
        .object_size(key)
        .await
        .map_err(|error| error.to_string())?;
    let size = size.ok_or("what was written is not there")?;
    let body = store.read_object(key, 0..size).await;
    let mut body = body
        .map_err(|error| error.to_string())?
        .ok_or("what was written is not there")?;
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        bytes.extend(chunk.map_err(|error| error.to_string())?);
    }
    if bytes == BODY {
        Ok(())
    } else {
        Err("what was written comes back otherwise".to_owned())
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
        report.wrong(
            CLOCK,
            finding,
            "Requests are signed with this machine's clock: keep it by NTP.",
        );
    } else {
        report.ok(CLOCK, finding);
    }
}
