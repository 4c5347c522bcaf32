//! S3 for tests: a throw-away OpenStack Swift with its S3 API, and buckets in it.
//!
//! It verifies signatures and is strict about part sizes, their order and digests. All test
//! processes of a build share one. The first one starts it; it removes itself as soon as none is
//! left, however they ended.

mod swift;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

pub use crate::external::is_skipped;
pub use swift::{Swift, program};

/// `AWS_ACCESS_KEY_ID`.
pub const ACCESS_KEY_ID: &str = "moc:uploads";

/// `AWS_SECRET_ACCESS_KEY`.
pub const SECRET_ACCESS_KEY: &str = "secret";

/// A bucket of one test's own.
pub struct Bucket {
    swift: Arc<Swift>,
    name: String,
}

impl Bucket {
    /// An empty one in the Swift that all tests share; `None` where tests with other servers are
    /// to be left out.
    pub fn shared() -> Option<Self> {
        (!is_skipped()).then(|| Self::on(Swift::shared()))
    }

    /// An empty one in this Swift.
    pub fn on(swift: Arc<Swift>) -> Self {
        let name = format!("test-{}", crate::builders::session_id().0.simple());
        let bucket = Self { swift, name };
        bucket.request("PUT", &bucket.name);
        bucket
    }

    /// `MOC_BUCKET`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `AWS_ENDPOINT_URL_S3`.
    pub fn endpoint(&self) -> String {
        self.swift.endpoint()
    }

    /// The server that it is on.
    pub fn swift(&self) -> &Arc<Swift> {
        &self.swift
    }

    /// Everything that a program needs to know to use it, as environment variables.
    pub fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("MOC_BUCKET", self.name.clone()),
            ("AWS_ENDPOINT_URL_S3", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_ACCESS_KEY.to_owned()),
            ("S3_FORCE_PATH_STYLE", "true".to_owned()),
            // Swift has none.
            ("S3_SERVER_SIDE_ENCRYPTION", "none".to_owned()),
        ]
    }

    /// The keys of its objects, sorted.
    pub fn objects(&self) -> Vec<String> {
        self.names(&self.name)
    }

    /// What uploads that are not completed have left: Swift's names, which begin with the
    /// object's key and the upload's id, and end with the part's number.
    pub fn unfinished(&self) -> Vec<String> {
        let objects = self.objects();
        let mut names = self.names(&format!("{}+segments", self.name));
        names.retain(|name| {
            !objects
                .iter()
                .any(|object| name.starts_with(object.as_str()))
        });
        names
    }

    /// Of these the parts that were on their way when their upload was aborted. S3 may store such
    /// parts, and removes them when the upload is aborted once more; Swift keeps them where nobody
    /// gets at them by S3.
    pub fn late_parts(&self) -> Vec<String> {
        let names = self.unfinished();
        let is_late = |name: &&String| {
            // Beside its parts, `KEY/UPLOAD/NUMBER`, an upload has an object `KEY/UPLOAD`.
            name.rsplit_once('/').is_some_and(|(upload, number)| {
                number.parse::<u32>().is_ok() && !names.iter().any(|name| name == upload)
            })
        };
        names.iter().filter(is_late).cloned().collect()
    }

    fn names(&self, container: &str) -> Vec<String> {
        let listing = self.request("GET", container);
        listing.lines().map(str::to_owned).collect()
    }

    /// By Swift's own API. What is not there is empty.
    fn request(&self, method: &str, container: &str) -> String {
        let mut connection = TcpStream::connect(self.swift.address()).unwrap();
        let token = self.swift.token();
        write!(
            connection,
            "{method} /v1/AUTH_moc/{container} HTTP/1.0\r\nX-Auth-Token: {token}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap();
        match status {
            "404" if method == "GET" => String::new(),
            _ => {
                assert!(status.starts_with('2'), "{method} {container}: {answer}");
                body.to_owned()
            }
        }
    }
}
