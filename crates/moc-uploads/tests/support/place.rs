//! Where uploads happen: folders, files, and the client as it is called.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use moc_uploads_testkit::server::{Server, stores};
use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_moc-uploads");
pub(crate) const MIB: usize = 1024 * 1024;

/// A server's data, the files of a MOC, and where the client remembers things.
pub(crate) struct Place(pub(crate) tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Holds a file's URL in an answer of the server against the one that was printed: they are the
    /// same, but in a bucket, where they are of the same file.
    #[track_caller]
    pub(crate) fn assert_same_file(&self, answered: &Value, printed: &Value) {
        if stores(&self.path("data")).bucket.is_none() {
            assert_eq!(answered, printed);
            return;
        }
        let mut end = printed.as_str().unwrap().rsplit('/');
        assert_eq!(end.next(), Some("content"));
        let id = end.next().unwrap();
        assert!(answered.as_str().unwrap().contains(id), "{answered}");
    }

    /// What a printed URL leads to. Of a bucket the client only knows where it was sent itself, which
    /// may be a proxy that is gone.
    #[track_caller]
    fn content(&self, server: &Server, url: &str) -> Vec<u8> {
        if stores(&self.path("data")).bucket.is_none() {
            return get(url);
        }
        let rest = url.strip_prefix("http://127.0.0.1:").unwrap();
        let (port, path) = rest.split_at(rest.find('/').unwrap());
        assert!(port.parse::<u16>().is_ok(), "{url}");
        get(&format!("{}{path}", server.url()))
    }

    pub(crate) fn server(&self, variables: &[(&str, &str)]) -> Server {
        Server::start(BINARY, &self.path("data"), variables)
    }

    /// The same port and data as before.
    pub(crate) fn restarted(&self, address: SocketAddr) -> Server {
        self.server(&[("PORT", &address.port().to_string())])
    }

    /// A file of that many bytes which begins with what its type begins with.
    pub(crate) fn file(&self, name: &str, head: &[u8], len: usize) -> PathBuf {
        // Of a length that no part is a multiple of: no two parts are the same.
        let noise: Vec<u8> = (0..1_000_003u32)
            .map(|n| b' ' + (n.wrapping_mul(2_654_435_761) >> 24) as u8 % 90)
            .collect();
        let mut bytes = head.to_vec();
        while bytes.len() < len {
            bytes.extend_from_slice(&noise[..noise.len().min(len - bytes.len())]);
        }
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn pdf(&self, len: usize) -> PathBuf {
        self.file("castle.pdf", b"%PDF-1.7\n", len)
    }

    pub(crate) fn jpg(&self) -> PathBuf {
        self.file("front.jpg", b"\xFF\xD8\xFF\xE0\0\x10JFIF\0", 6 * MIB)
    }

    pub(crate) fn csv(&self) -> PathBuf {
        self.file("parts.csv", b"part,quantity\n", 4000)
    }

    /// `moc-uploads upload --json ...` with an environment that holds nothing of the machine's.
    pub(crate) fn upload(&self, server: &str, files: &[&Path], more: &[&str]) -> Command {
        self.upload_as("Castle", server, files, more)
    }

    pub(crate) fn upload_as(
        &self,
        title: &str,
        server: &str,
        files: &[&Path],
        more: &[&str],
    ) -> Command {
        let mut command = Command::new(BINARY);
        command
            .env_clear()
            .env("XDG_STATE_HOME", self.path("state"))
            .env("HOME", self.0.path())
            .args(["upload", "--json", "--title", title, "--server", server])
            .args(files)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// What a client said and how it ended.
pub(crate) struct Outcome {
    pub(crate) status: Option<i32>,
    pub(crate) events: Vec<Value>,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn of(output: Output) -> Self {
        let stdout = String::from_utf8(output.stdout).unwrap();
        Self {
            status: output.status.code(),
            events: stdout
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn run(mut command: Command) -> Self {
        Self::of(command.output().unwrap())
    }

    pub(crate) fn last(&self) -> &Value {
        self.events.last().unwrap()
    }

    pub(crate) fn count(&self, event: &str) -> usize {
        let of = |line: &&Value| line["event"] == event;
        self.events.iter().filter(of).count()
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: i32) {
        assert_eq!(
            self.status,
            Some(status),
            "{}\n{:#?}",
            self.stderr,
            self.events
        );
    }

    /// It succeeded, and every URL leads to the bytes of its file.
    #[track_caller]
    pub(crate) fn assert_uploaded(&self, place: &Place, server: &Server, files: &[&Path]) {
        self.assert_status(0);
        let last = self.last();
        assert_eq!(last["event"], "finished");
        assert_eq!(last["moc"]["slug"], "castle");
        let uploaded = last["files"].as_array().unwrap();
        assert_eq!(uploaded.len(), files.len());
        for (uploaded, path) in uploaded.iter().zip(files) {
            assert_eq!(uploaded["key"], path.file_name().unwrap().to_str().unwrap());
            let bytes = place.content(server, uploaded["url"].as_str().unwrap());
            assert!(
                bytes == fs::read(path).unwrap(),
                "{path:?} came back changed"
            );
        }
    }
}

pub(crate) fn get(url: &str) -> Vec<u8> {
    // There may be one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let response = client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{url}");
        response.bytes().await.unwrap().into()
    })
}
