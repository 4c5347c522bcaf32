//! What to do about a bucket, by what it said.

use moc_uploads_blob_s3::S3Failure;
use moc_uploads_core::ports::ObjectStoreError;

/// About clocks.
pub(super) const KEEP_TIME: &str = "Requests are signed with this machine's clock: keep it by NTP.";

/// It does not answer for itself.
pub(super) fn for_no_bucket(error: &ObjectStoreError) -> &'static str {
    match S3Failure::of(error).and_then(S3Failure::status) {
        Some(404) => {
            "There is no such bucket there: create it, or correct MOC_BUCKET (or AWS_ENDPOINT_URL_S3)."
        }
        Some(301 | 307 | 400) => {
            "The bucket seems to be in another region: correct AWS_REGION, or AWS_ENDPOINT_URL_S3; \
             without either, the credentials have run out."
        }
        Some(401 | 403) => {
            "The credentials are not known there, or lack s3:ListBucket on the bucket (and the bucket \
             may be somebody else's): check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the \
             profile or role in their place, and this machine's clock."
        }
        Some(_) => "The store is there but fails: look at its own log.",
        None if S3Failure::of(error).is_some_and(S3Failure::is_for_want_of_credentials) => {
            "No credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this \
             machine a profile or a role."
        }
        None => {
            "Nobody answered: check AWS_ENDPOINT_URL_S3 and AWS_REGION, and whether this machine may \
             reach it."
        }
    }
}

/// An operation that `right` allows was not done.
pub(super) fn for_refused(right: &str, error: &ObjectStoreError) -> String {
    let failure = S3Failure::of(error);
    match (
        failure.and_then(S3Failure::status),
        failure.and_then(S3Failure::code),
    ) {
        (_, Some(code)) if is_about_encryption(code, failure) => {
            "The store has no such encryption: set S3_SERVER_SIDE_ENCRYPTION=none, or set encryption \
             up there."
                .to_owned()
        }
        (_, Some("RequestTimeTooSkewed")) => KEEP_TIME.to_owned(),
        (Some(401 | 403), _) => format!("Allow {right} (see docs/operating.md)."),
        (Some(500..), _) => "The store fails: look at its own log.".to_owned(),
        (Some(_), _) => {
            format!("The store does not do what {right} is for as S3 does; is it a store that speaks S3?")
        }
        (None, _) => {
            "Nobody answered in time: look at the store, and at the way there.".to_owned()
        }
    }
}

/// Stores without encryption call it not implemented, those that have no keys for it invalid.
fn is_about_encryption(code: &str, failure: Option<&S3Failure>) -> bool {
    let says =
        failure.is_some_and(|failure| failure.to_string().to_lowercase().contains("encryption"));
    says && matches!(
        code,
        "NotImplemented" | "InvalidArgument" | "InvalidRequest" | "InvalidEncryptionAlgorithmError"
    )
}
