//! The real binary as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SECRET: &str = "a secret of tests, long enough for HS256";

/// A server of its own on a free port of 127.0.0.1 and a fresh folder, which asks for tokens. It is
/// killed and its folder removed when this is dropped.
pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    url: String,
}

impl Server {
    /// Starts it; back when it answers.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command()
            .arg("serve")
            .env("PORT", "0")
            .env("DATA_DIR", folder.path())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut greeting)
            .unwrap();
        let url = greeting
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("the server did not start: {greeting:?}"))
            .to_owned();
        Self { child, folder, url }
    }

    /// Without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its database is.
    pub fn database_file(&self) -> PathBuf {
        Path::join(self.folder.path(), "moc-uploads.db")
    }

    /// A token of this user.
    pub fn token(&self, user: &str) -> String {
        let output = command().args(["token", "--sub", user]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_moc-uploads"));
    command.env_clear().env("AUTH_JWT_SECRET", SECRET);
    command
}
