//! Buckets that are not as they should be.

use std::path::Path;

use moc_uploads_testkit::s3::{ACCESS_KEY_ID, Bucket, SECRET_ACCESS_KEY};

use crate::http::{Twist, answering};
use crate::{Findings, doctor};

/// With everything that leads to the bucket, but for what `more` says otherwise; what is empty there
/// is not set.
fn examine(bucket: &Bucket, data: &Path, more: &[(&str, &str)]) -> Findings {
    let variables = bucket.variables();
    let mut all: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .filter(|(name, _)| !more.iter().any(|(other, _)| name == other))
        .chain([("CORS_ALLOWED_ORIGINS", "https://app.example.com")])
        .collect();
    all.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    doctor(data, &all)
}

#[test]
fn a_bucket_is_tried_and_left_as_it_was() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let found = examine(&bucket, folder.path(), &[]);
    for check in ["bucket", "bucket rights", "bucket CORS", "bucket clock"] {
        assert_eq!(found.verdict(check), "ok", "{check}: {}", found.text());
    }
    assert!(!found.text().contains("bucket sweep"), "{}", found.text());
    assert_eq!(bucket.objects(), Vec::<String>::new());
    assert_eq!(bucket.unfinished(), Vec::<String>::new());
}

#[test]
fn what_is_wrong_with_a_bucket_is_told_apart() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let nowhere = [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    for (wrong, check, advice) in [
        (
            &[("MOC_BUCKET", "no-such-bucket")][..],
            "bucket",
            "no such bucket",
        ),
        (
            &[("AWS_SECRET_ACCESS_KEY", "wrong")],
            "bucket",
            "credentials are not known",
        ),
        (&nowhere, "bucket", "No credentials were found"),
        (
            // Nobody listens there.
            &[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")],
            "bucket",
            "Nobody answered",
        ),
        (
            // Swift has none.
            &[("S3_SERVER_SIDE_ENCRYPTION", "AES256")],
            "bucket rights",
            "S3_SERVER_SIDE_ENCRYPTION=none",
        ),
    ] {
        let found = examine(&bucket, folder.path(), wrong);
        assert_eq!(found.verdict(check), "wrong", "{}", found.text());
        assert!(found.advice(check).contains(advice), "{}", found.text());
    }
}

const DENIED: (u16, &str) = (
    403,
    "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
);

#[test]
fn rights_that_are_missing_are_named() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let denying = |instead: fn(&str) -> Option<(u16, &'static str)>| {
        let twist = Twist {
            instead,
            ..Twist::NONE
        };
        let endpoint = twist.of(&bucket.endpoint());
        let found = examine(
            &bucket,
            folder.path(),
            &[("AWS_ENDPOINT_URL_S3", &endpoint)],
        );
        assert_eq!(found.verdict("bucket"), "ok", "{}", found.text());
        assert_eq!(found.verdict("bucket rights"), "wrong", "{}", found.text());
        let advice = found.all_advice("bucket rights");
        let mut rights: Vec<_> = advice
            .iter()
            .map(|advice| advice.split_whitespace().nth(1).unwrap().to_owned())
            .collect();
        rights.sort_unstable();
        rights.dedup();
        rights
    };
    let writing = denying(|line| {
        let starts_an_upload = line.starts_with("POST") && line.contains("?uploads");
        starts_an_upload.then_some(DENIED)
    });
    assert_eq!(writing, ["s3:PutObject"]);
    let anything_else = denying(|line| {
        let is_of_an_object = line.contains(".txt");
        let is_denied = line.starts_with("DELETE")
            || line.starts_with("GET") && (is_of_an_object || line.contains("uploads"));
        is_denied.then_some(DENIED)
    });
    assert_eq!(
        anything_else,
        [
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetObject",
            "s3:ListBucketMultipartUploads",
            "s3:ListMultipartUploadParts",
        ]
    );
}

#[test]
fn a_bucket_that_pages_can_not_use_or_whose_clock_is_off_is_told() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let twist = Twist {
        preflight: Some("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"),
        // As MinIO does, which lists uploads by their whole key.
        instead: |line| {
            let is_listing = line.starts_with("GET") && line.contains("uploads");
            let empty = "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>\
                         </ListMultipartUploadsResult>";
            is_listing.then_some((200, empty))
        },
    };
    let endpoint = twist.of(&bucket.endpoint());
    let found = examine(
        &bucket,
        folder.path(),
        &[("AWS_ENDPOINT_URL_S3", &endpoint)],
    );
    for (check, verdict, advice) in [
        ("bucket CORS", "warning", "CORS rules"),
        ("bucket clock", "wrong", "NTP"),
        ("bucket sweep", "warning", "MinIO"),
    ] {
        assert_eq!(found.verdict(check), verdict, "{}", found.text());
        assert!(found.advice(check).contains(advice), "{}", found.text());
    }
    assert_eq!(found.verdict("bucket rights"), "ok", "{}", found.text());
}

/// As a container's agent and the metadata of an instance hand them out.
fn credentials() -> String {
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2026-01-01T00:00:00Z",
            "AccessKeyId":"{ACCESS_KEY_ID}","SecretAccessKey":"{SECRET_ACCESS_KEY}",
            "Token":"session","Expiration":"2999-01-01T00:00:00Z"}}"#
    )
}

/// Of the AWS default chain, beside the environment.
#[test]
fn credentials_are_found_wherever_they_are() {
    let Some(bucket) = Bucket::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (profiles, token) = (path("config"), path("token"));
    std::fs::write(&token, "a token of an identity provider").unwrap();
    std::fs::write(
        &profiles,
        format!(
            "[profile moc]\naws_access_key_id = {ACCESS_KEY_ID}\n\
             aws_secret_access_key = {SECRET_ACCESS_KEY}\n"
        ),
    )
    .unwrap();
    let container = answering(|_| Some(("Content-Type: application/json\r\n", credentials())));
    let instance = answering(|line| match line.split(' ').nth(1)? {
        "/latest/api/token" => Some((
            "X-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n",
            "session".to_owned(),
        )),
        "/latest/meta-data/iam/security-credentials/" => Some(("", "role".to_owned())),
        "/latest/meta-data/iam/security-credentials/role" => Some(("", credentials())),
        _ => None,
    });
    let tokens = answering(|_| {
        let body = format!(
            "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>\
             <AccessKeyId>{ACCESS_KEY_ID}</AccessKeyId>\
             <SecretAccessKey>{SECRET_ACCESS_KEY}</SecretAccessKey>\
             <SessionToken>session</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>\
             </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"
        );
        Some(("Content-Type: text/xml\r\n", body))
    });
    let sources: [&[(&str, &str)]; 4] = [
        &[("AWS_CONFIG_FILE", &profiles), ("AWS_PROFILE", "moc")],
        &[("AWS_CONTAINER_CREDENTIALS_FULL_URI", &container)],
        &[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &instance)],
        &[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &token),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/moc"),
            ("AWS_ENDPOINT_URL_STS", &tokens),
        ],
    ];
    for source in sources {
        let mut variables = vec![("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
        variables.extend(source);
        let found = examine(&bucket, folder.path(), &variables);
        for check in ["bucket", "bucket rights"] {
            assert_eq!(found.verdict(check), "ok", "{source:?}: {}", found.text());
        }
    }
}
