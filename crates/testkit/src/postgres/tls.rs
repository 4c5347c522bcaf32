//! PostgreSQL with TLS: a port, and certificates for it.

use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cluster::{Cluster, output};

/// The only name that the server's certificate is for.
const NAME: &str = "127.0.0.1";

/// How a cluster is reached by TCP.
pub(super) struct Tls {
    port: u16,
}

impl Tls {
    /// PostgreSQL can't choose a port by itself.
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind((NAME, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn settings(&self, folder: &Path) -> Vec<String> {
        vec![
            format!("listen_addresses={NAME}"),
            format!("port={}", self.port),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}/server.crt", folder.display()),
            format!("ssl_key_file={}/server.key", folder.display()),
        ]
    }

    /// A certificate for the server by an authority, and another authority that knows nothing of it.
    pub(super) fn certify(&self, folder: &Path, owner: Option<u32>) {
        for authority in ["authority", "stranger"] {
            let constraint = "basicConstraints=critical,CA:TRUE";
            certificate(folder, authority, &["-addext", constraint]);
        }
        let name = format!("subjectAltName=IP:{NAME}");
        let by_authority = ["-CA", "authority.crt", "-CAkey", "authority.key"];
        let for_server = ["-addext", &name, "-addext", "basicConstraints=CA:FALSE"];
        certificate(folder, "server", &[by_authority, for_server].concat());
        chown(folder.join("server.key"), owner, None).unwrap();
    }
}

/// `NAME.crt` and `NAME.key` in `folder`.
fn certificate(folder: &Path, name: &str, arguments: &[&str]) {
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", &format!("/CN={name}")])
        .args(["-keyout", &format!("{name}.key")])
        .args(["-out", &format!("{name}.crt")])
        .args(arguments)
        .current_dir(folder);
    output(openssl);
}

impl Cluster {
    /// `postgres://...` of a database by TCP, at `host`, with `parameters` as in
    /// `sslmode=require`.
    ///
    /// # Panics
    /// When it is not a cluster [`with_tls`](Cluster::with_tls).
    pub fn tcp_url(&self, host: &str, parameters: &str) -> String {
        let port = self.tls.as_ref().unwrap().port();
        format!("postgres://postgres@{host}:{port}/postgres?{parameters}")
    }

    /// The certificate of the authority that vouches for the server.
    pub fn authority(&self) -> PathBuf {
        self.folder().join("authority.crt")
    }

    /// The certificate of one that does not.
    pub fn stranger(&self) -> PathBuf {
        self.folder().join("stranger.crt")
    }
}
