//! What an operator may choose.

use std::fmt;
use std::time::Duration;

/// Where the bucket is and how it is talked to.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// `MOC_BUCKET`.
    pub bucket: String,
    /// `None`: the AWS default chain finds some (environment, profile, web identity, container,
    /// instance).
    pub credentials: Option<AccessKey>,
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_S3`, without a slash at its end: a store that is not AWS's.
    pub endpoint: Option<String>,
    /// Whether the bucket is in the path of a URL, not in its host's name.
    pub force_path_style: bool,
    /// Of new objects.
    pub encryption: Encryption,
    /// How long is waited.
    pub timeouts: Timeouts,
    /// How often a request is sent before it has failed, at least once.
    pub max_attempts: u32,
}

impl S3Options {
    /// A bucket with the defaults.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            credentials: None,
            region: "us-east-1".to_owned(),
            endpoint: None,
            force_path_style: false,
            encryption: Encryption::default(),
            timeouts: Timeouts::default(),
            max_attempts: 3,
        }
    }
}

impl fmt::Display for S3Options {
    /// For people: which bucket, where.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bucket {}", self.bucket)?;
        match &self.endpoint {
            Some(endpoint) => write!(f, " at {endpoint}"),
            None => write!(f, " in {}", self.region),
        }
    }
}

/// Credentials that do not change.
#[derive(Clone)]
pub struct AccessKey {
    /// `AWS_ACCESS_KEY_ID`.
    pub id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessKey").field(&self.id).finish()
    }
}

/// Server-side encryption that is asked for when an upload is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encryption {
    /// With keys of S3's own, `AES256`.
    #[default]
    Aes256,
    /// With the account's key, or the bucket's: `aws:kms`.
    Kms,
    /// Nothing is said; the bucket's own setting counts. Some stores know no other.
    None,
}

/// How long the store may take before it counts as unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the next bytes, or for taking ours.
    pub read: Duration,
    /// For one operation with all its attempts, each of which has half of it: a connection that was
    /// lost without a word costs one of them. Joining parts, which is work for a store, has one
    /// attempt after the other in twice the time. Sending a part takes as long as the client does.
    pub operation: Duration,
}

impl Timeouts {
    /// For one attempt at an operation.
    pub(crate) fn attempt(self) -> Duration {
        self.operation / 2
    }

    /// For joining parts, with all attempts.
    pub(crate) fn complete(self) -> Duration {
        self.operation * 2
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            read: Duration::from_secs(10),
            operation: Duration::from_secs(10),
        }
    }
}
