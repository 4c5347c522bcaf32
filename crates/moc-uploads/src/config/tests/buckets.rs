//! Where files are kept.

use std::time::Duration;

use moc_uploads_blob_s3::{Encryption, Timeouts};

use super::super::BlobConfig;
use super::{SECRET, problems, read};

#[test]
fn a_bucket_and_its_settings_reach_their_place_and_its_key_is_never_shown() {
    let config = read(&[
        ("LEGO_API_BUCKET_NAME", "lego-mocs"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_S3", "https://s3.example/"),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", SECRET),
        ("S3_FORCE_PATH_STYLE", "false"),
        ("S3_SERVER_SIDE_ENCRYPTION", "aws:kms"),
        ("S3_CONNECT_TIMEOUT_MS", "1"),
        ("S3_READ_TIMEOUT_MS", "2"),
        ("S3_OPERATION_TIMEOUT_MS", "3"),
        ("S3_MAX_ATTEMPTS", "4"),
    ]);
    let BlobConfig::S3(options) = &config.blobs else {
        panic!("not S3: {}", config.blobs);
    };
    assert_eq!(options.bucket, "lego-mocs");
    assert_eq!(options.region, "eu-central-1");
    assert_eq!(options.endpoint.as_deref(), Some("https://s3.example"));
    assert!(!options.force_path_style);
    assert_eq!(options.encryption, Encryption::Kms);
    assert_eq!(
        options.timeouts,
        Timeouts {
            connect: Duration::from_millis(1),
            read: Duration::from_millis(2),
            operation: Duration::from_millis(3),
        }
    );
    assert_eq!(options.max_attempts, 4);
    assert!(!config.to_json().unwrap().contains(SECRET));
}

#[test]
fn the_path_names_the_bucket_where_the_endpoint_is_not_aws_s() {
    let path_style = |pairs: &[(&str, &str)]| match read(pairs).blobs {
        BlobConfig::S3(options) => options.force_path_style,
        BlobConfig::Disk => panic!("not S3"),
    };
    let bucket = ("MOC_BUCKET", "mocs");
    let endpoint = ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000");
    assert!(!path_style(&[bucket]));
    assert!(path_style(&[bucket, endpoint]));
    assert!(!path_style(&[
        bucket,
        endpoint,
        ("S3_FORCE_PATH_STYLE", "false")
    ]));
}

#[test]
fn a_bucket_with_two_names_or_half_a_key_is_a_mistake() {
    for (pairs, name) in [
        (
            [("MOC_BUCKET", "mocs"), ("LEGO_API_BUCKET_NAME", "others")],
            "LEGO_API_BUCKET_NAME",
        ),
        (
            [("MOC_BUCKET", "mocs"), ("AWS_ACCESS_KEY_ID", "AKIA")],
            "AWS_SECRET_ACCESS_KEY",
        ),
        (
            [("MOC_BUCKET", "mocs"), ("AWS_SECRET_ACCESS_KEY", SECRET)],
            "AWS_ACCESS_KEY_ID",
        ),
    ] {
        assert_eq!(problems(&pairs).0, [name], "{pairs:?}");
    }
    let same = [("MOC_BUCKET", "mocs"), ("LEGO_API_BUCKET_NAME", "mocs")];
    assert!(matches!(read(&same).blobs, BlobConfig::S3(_)));
}
