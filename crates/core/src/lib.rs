//! Domain, ports and use cases of moc-uploads.
//!
//! This crate knows no HTTP, no SQL, no S3 and no environment. Adapters implement [`ports`],
//! callers use [`service::Uploads`].

pub mod analytics;
pub mod analytics_report;
mod causes;
pub mod content_type;
pub mod error;
pub mod event_queue;
pub mod file;
pub mod finalize;
pub mod ids;
pub mod object_key;
pub mod part;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod service;
pub mod session;
pub mod time;

pub use causes::causes;
pub use error::{Error, ErrorCode, FieldError};
