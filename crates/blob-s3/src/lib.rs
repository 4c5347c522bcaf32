//! The object store in an S3 bucket, of AWS or of anything that speaks the same API. The only
//! place that knows the AWS SDK.
//!
//! Nothing is kept in this process: any number of them may use one bucket.

mod complete;
mod connect;
mod digests;
mod error;
mod list;
mod options;
mod part_body;
mod presign;
mod put;
mod read;
mod store;

pub use error::S3Failure;
pub use options::{AccessKey, Encryption, S3Options, Timeouts};
pub use store::S3Store;
