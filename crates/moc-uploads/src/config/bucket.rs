//! Which bucket, and how it is reached.

use std::fmt;
use std::time::Duration;

use moc_uploads_blob_s3::{Encryption, S3Options, Timeouts};
use url::Url;

use super::reader::Reader;
use super::values;

/// Where parts and objects are.
#[derive(Clone)]
pub(crate) enum BlobConfig {
    /// In `DATA_DIR`.
    Disk,
    /// In a bucket.
    S3(Box<S3Options>),
}

impl fmt::Display for BlobConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk => f.write_str("the disk"),
            Self::S3(options) => options.fmt(f),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>, warnings: &mut Vec<String>) -> BlobConfig {
    let bucket = bucket_name(reader);
    let defaults = S3Options::new("");
    let region = first_set(reader, ["AWS_REGION", "AWS_DEFAULT_REGION"]);
    let region = reader.parsed(region, &defaults.region, parse_region);
    let endpoint_name = first_set(reader, ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
    let endpoint = reader.parsed(endpoint_name, "", values::parse_base_url);
    credentials(reader, bucket.is_some());
    let options = S3Options {
        region: region.unwrap_or(defaults.region),
        // Few others than AWS have a host name for each bucket.
        force_path_style: reader.boolean_or("S3_FORCE_PATH_STYLE", endpoint.is_some()),
        endpoint,
        encryption: reader
            .parsed("S3_SERVER_SIDE_ENCRYPTION", "AES256", parse_encryption)
            .unwrap_or_default(),
        timeouts: timeouts(reader, defaults.timeouts),
        max_attempts: reader.number("S3_MAX_ATTEMPTS", defaults.max_attempts, 1..=20),
        ..defaults
    };
    let Some(bucket) = bucket else {
        return BlobConfig::Disk;
    };
    if let Some(endpoint) = &options.endpoint
        && endpoint.starts_with("http:")
        && !values::parse_url(endpoint).is_ok_and(|url| is_loopback(&url))
    {
        warnings.push(format!(
            "{endpoint_name}={endpoint}: what clients upload travels unencrypted"
        ));
    }
    BlobConfig::S3(Box::new(S3Options { bucket, ..options }))
}

/// Of two names for the same: the first, unless the second alone is set.
fn first_set(reader: &Reader<'_>, [name, other]: [&'static str; 2]) -> &'static str {
    if reader.get(name).is_none() && reader.get(other).is_some() {
        other
    } else {
        name
    }
}

fn bucket_name(reader: &mut Reader<'_>) -> Option<String> {
    const NAMES: [&str; 2] = ["MOC_BUCKET", "LEGO_API_BUCKET_NAME"];
    let name = first_set(reader, NAMES);
    let bucket = reader.parsed(name, "", parse_bucket);
    let [name, other] = NAMES;
    if let (Some(first), Some(second)) = (reader.get(name), reader.get(other))
        && first != second
    {
        reader.problem(
            other,
            format!("is another bucket than {name}; set one of them"),
        );
    }
    bucket
}

/// They are found by the AWS SDK, which knows many more places; what can be seen to be wrong is
/// told here.
fn credentials(reader: &mut Reader<'_>, are_needed: bool) {
    const ID: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
    let id = reader.text(ID, "by the AWS default chain").is_some();
    let secret = reader.secret(SECRET).is_some();
    reader.secret("AWS_SESSION_TOKEN");
    if are_needed && id != secret {
        let (missing, other) = if id { (SECRET, ID) } else { (ID, SECRET) };
        reader.problem(missing, format!("must be set together with {other}"));
    }
}

/// As AWS allows them; those of others differ little.
fn parse_bucket(text: &str) -> Result<String, String> {
    let is_edge = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let is_name = (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| is_edge(byte) || b".-".contains(byte))
        && bytes.first().is_some_and(is_edge)
        && bytes.last().is_some_and(is_edge)
        && !text.contains("..");
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(
            "must be the name of a bucket: 3 to 63 lower-case letters, digits, \"-\" and \".\""
                .to_owned(),
        )
    }
}

fn parse_region(text: &str) -> Result<String, String> {
    let is_region = text.len() <= 63
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_region {
        Ok(text.to_owned())
    } else {
        Err("must be a region like us-east-1".to_owned())
    }
}

fn parse_encryption(text: &str) -> Result<Encryption, String> {
    match text.to_ascii_lowercase().as_str() {
        "aes256" => Ok(Encryption::Aes256),
        "aws:kms" => Ok(Encryption::Kms),
        "none" => Ok(Encryption::None),
        _ => Err("must be AES256, aws:kms or none".to_owned()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn timeouts(reader: &mut Reader<'_>, defaults: Timeouts) -> Timeouts {
    let mut milliseconds = |name, default: Duration| {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(reader.number(name, default, 1..=3_600_000))
    };
    Timeouts {
        connect: milliseconds("S3_CONNECT_TIMEOUT_MS", defaults.connect),
        read: milliseconds("S3_READ_TIMEOUT_MS", defaults.read),
        operation: milliseconds("S3_OPERATION_TIMEOUT_MS", defaults.operation),
    }
}
