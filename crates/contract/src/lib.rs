//! The contract as `.http` files: read, joined with the server's OpenAPI document, and made into a
//! TypeScript SDK.
//!
//! The document is an argument: this crate knows neither the server nor its types.

mod changes;
pub mod diagnostic;
pub mod document;
mod error;
mod folder;
mod generate;
pub mod http;
mod join;
mod node;
mod output;
mod package;
pub mod source;

pub use changes::Changes;
pub use error::Error;
pub use generate::{Generated, draft, draft_of, generate};
pub use package::Package;
