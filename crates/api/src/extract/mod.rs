//! What handlers take: the caller, ids, JSON bodies and query parameters.

mod caller;
mod json;
pub(crate) mod list;
mod path;
mod query;

pub(crate) use caller::Caller;
pub(crate) use json::{JsonBody, Object, RequestBody};
pub(crate) use path::{FilePath, PartPath, SessionPath};
pub(crate) use query::{ListQuery, query_pairs};
