//! What others see: programs that know nothing of this project find the objects in the bucket and
//! use its presigned URLs.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use moc_uploads_core::ports::{HeldParts, ObjectStore, PartAddress, PresignedHeaders};
use moc_uploads_testkit::builders::{file_id, session_id};
use moc_uploads_testkit::clock::ManualClock;
use moc_uploads_testkit::object_store::{PART_BYTES, TestFile};
use moc_uploads_testkit::s3::{Bucket, program};

const BOTO3: &str = "
import boto3, hashlib, os, sys
s3 = boto3.client('s3', endpoint_url=os.environ['AWS_ENDPOINT_URL_S3'])
head = s3.head_object(Bucket=sys.argv[1], Key=sys.argv[2])
body = s3.get_object(Bucket=sys.argv[1], Key=sys.argv[2])['Body'].read()
print(head['ContentLength'], head['ContentType'], hashlib.md5(body).hexdigest())
";

fn client(bucket: &Bucket, name: &str) -> Command {
    let mut command = Command::new(program(name));
    command
        .envs(bucket.variables())
        .env("AWS_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null");
    command
}

fn text(output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

fn md5(bytes: &[u8]) -> String {
    use md5::{Digest, Md5};
    hex::encode(Md5::digest(bytes))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_and_the_aws_command_line_see_length_type_and_bytes() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let store = crate::common::connect(&bucket).await;
    let file = TestFile::new(&store, PART_BYTES + 321).await;
    let etags = file.store_all(&store).await;
    file.complete_ok(&store, &etags).await;
    let key = file.upload.key.as_str();
    let seen = format!("{} application/pdf {}", file.bytes.len(), md5(&file.bytes));

    let boto3 = client(&bucket, "python")
        .args(["-c", BOTO3, bucket.name(), key])
        .output();
    assert_eq!(text(boto3.unwrap()).trim(), seen);

    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    let aws = client(&bucket, "aws")
        .args([
            "s3api",
            "get-object",
            "--bucket",
            bucket.name(),
            "--key",
            key,
        ])
        .args([
            "--query",
            "[ContentLength, ContentType]",
            "--output",
            "text",
        ])
        .arg(&copy)
        .output();
    let told = text(aws.unwrap());
    let told: Vec<&str> = told.split_whitespace().collect();
    let bytes = std::fs::read(copy).unwrap();
    assert_eq!(format!("{} {}", told.join(" "), md5(&bytes)), seen);
    assert_eq!(bucket.objects(), [key]);
    assert_eq!(bucket.unfinished(), Vec::<String>::new());
}

/// The status and the `ETag` of a PUT.
fn curl_put(url: &str, headers: &[(String, String)], bytes: &[u8]) -> (String, String) {
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "-T", "-"])
        .args(["-w", "%{http_code} %header{etag}"])
        .args(["-H", "Expect:", "-H", "Transfer-Encoding:"])
        .arg("-H")
        .arg(format!("Content-Length: {}", bytes.len()));
    for (name, value) in headers {
        curl.arg("-H").arg(format!("{name}: {value}"));
    }
    let mut child = curl
        .arg(url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    // A refusal may come before the end of the bytes.
    let _ = std::io::Write::write_all(&mut input, bytes);
    drop(input);
    let told = text(child.wait_with_output().unwrap());
    let (status, etag) = told.split_once(' ').unwrap();
    (status.to_owned(), etag.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_put_by_curl_stores_the_part_and_an_altered_one_nothing() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let store = crate::common::connect(&bucket).await;
    let file = TestFile::new(&store, 1234).await;
    let address = PartAddress {
        session_id: session_id(),
        file_id: file_id(),
        part_number: 1,
    };
    let expires_at = ManualClock::START + Duration::from_secs(60);
    let presigned = store
        .presign_part(&file.upload, address, expires_at)
        .await
        .unwrap();

    let altered = presigned.url.replace("partNumber=1", "partNumber=2");
    assert_ne!(altered, presigned.url);
    let (status, _) = curl_put(&altered, &presigned.headers, &file.bytes);
    assert_eq!(status, "403");
    let held = store.list_parts(&file.upload).await.unwrap();
    assert_eq!(held, HeldParts::Parts(Vec::new()));

    let (status, etag) = curl_put(&presigned.url, &presigned.headers, &file.bytes);
    assert_eq!(status, "200");
    let HeldParts::Parts(held) = store.list_parts(&file.upload).await.unwrap() else {
        panic!("no parts");
    };
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].etag.to_string(), etag);
    assert_eq!(held[0].size_bytes, 1234);
    file.complete_ok(&store, &[held[0].etag.clone()]).await;
    file.assert_object(&store, &file.bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_presigned_get_by_curl_has_the_bytes_and_the_headers_that_were_asked_for() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let store = crate::common::connect(&bucket).await;
    let file = TestFile::new(&store, 1234).await;
    let etags = file.store_all(&store).await;
    file.complete_ok(&store, &etags).await;
    let headers = PresignedHeaders {
        content_type: "image/png".to_owned(),
        content_disposition: "inline; filename=\"a b.png\"".to_owned(),
        cache_control: "private, no-cache".to_owned(),
    };
    let expires_at = ManualClock::START + Duration::from_secs(60);
    let url = store
        .presign_object(&file.upload.key, &headers, expires_at)
        .await
        .unwrap()
        .unwrap();
    let told = "%{stderr}%{http_code}|%header{content-type}|%header{content-disposition}|\
                %header{cache-control}";
    let get = |url: &str| {
        Command::new("curl")
            .args(["-sS", "-r", "10-19", "-w", told, url])
            .output()
            .unwrap()
    };
    let output = get(&url);
    assert_eq!(output.stdout, &file.bytes[10..20]);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "206|image/png|inline; filename=\"a b.png\"|private, no-cache"
    );
    let altered = get(&url.replace("image", "video"));
    assert!(altered.stderr.starts_with(b"403"));
}
