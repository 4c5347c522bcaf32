//! The object store on a local file system (DESIGN section 7).
//!
//! One upload is one file. Parts have fixed offsets, so each is written in place and synced before
//! it is acknowledged; completing a file renames it. A part that may replace acknowledged bytes
//! goes to a file of its own beside the upload and is joined in at completion.
//!
//! ```text
//! <root>/lock                                held by the one process that uses the store
//! <root>/layout.version                      how files are spread over shards
//! <root>/presign.key                         signs part URLs, kept across restarts
//! <root>/uploads/<shard>/<name>              an upload: sparse until all parts are there
//! <root>/uploads/<shard>/<name>+parts/       its re-sent parts, <part number>.<etag>
//! <root>/objects/<shard>/<name>              an object: whole, never written to again
//! ```

mod batch;
mod bind;
mod complete;
mod data_file;
mod digests;
mod error;
mod hash_ahead;
mod layout;
mod list;
mod open;
mod part_writer;
mod presign;
mod put;
mod read;
mod remove;
mod store;
mod uploads;
mod version;

pub use open::OpenError;
pub use store::DiskStore;
