//! What handlers take: the caller, ids, JSON bodies and query parameters.

mod analytics_query;
mod caller;
mod json;
pub(crate) mod list;
mod path;
mod query;

pub(crate) use analytics_query::AnalyticsParams;
pub(crate) use caller::{Admin, Caller};
pub(crate) use json::{JsonBody, Object, RequestBody};
pub(crate) use path::{FilePath, PartPath, SessionPath};
pub(crate) use query::{ListQuery, query_pairs};
