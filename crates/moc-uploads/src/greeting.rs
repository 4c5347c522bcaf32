//! What a person who starts the server reads.

use std::net::SocketAddr;

use crate::config::{BlobConfig, Config, DatabaseConfig};

/// Where it listens, where its data is, and where to go next.
pub(crate) fn greeting(config: &Config, address: SocketAddr, base_url: &str) -> String {
    let server = if address.port() == 3000 && config.host.is_loopback() {
        String::new()
    } else {
        format!("--server {base_url} ")
    };
    format!(
        "moc-uploads {} listens on {address}\n\n  \
         Read and try  {base_url}/docs\n  \
         Upload        moc-uploads upload {server}castle.pdf front.jpg --title \"Castle\"\n\
         {}  \
         Stop          Ctrl-C\n\n",
        env!("CARGO_PKG_VERSION"),
        data(config)
    )
}

fn data(config: &Config) -> String {
    let folder = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone());
    let folder = folder.display();
    match (&config.database, &config.blobs) {
        (DatabaseConfig::Sqlite(file), BlobConfig::Disk) if file.starts_with(&config.data_dir) => {
            format!("  Data          {folder}\n")
        }
        (database, BlobConfig::Disk) => {
            format!("  Database      {database}\n  Files         {folder}\n")
        }
        (database, bucket) => format!("  Database      {database}\n  Files         {bucket}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Purpose, Variables};

    fn greets(pairs: &[(&str, &str)], address: &str) -> String {
        let pairs = pairs.iter();
        let variables: Variables = pairs.map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let config = Config::from_variables(&variables, Purpose::Serve).unwrap();
        greeting(&config, address.parse().unwrap(), "http://moc.example")
    }

    #[test]
    fn it_says_where_everything_is() {
        let embedded = greets(&[("DATA_DIR", "/srv/moc")], "127.0.0.1:3000");
        assert!(
            embedded.contains("listens on 127.0.0.1:3000\n"),
            "{embedded}"
        );
        assert!(embedded.contains("Data          /srv/moc\n"), "{embedded}");
        assert!(embedded.contains("http://moc.example/docs\n"), "{embedded}");

        let replica = [
            ("HOST", "0.0.0.0"),
            ("AUTH_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
            ("DATABASE_URL", "postgres://moc:hunter2@db/moc"),
            ("MOC_BUCKET", "mocs"),
            ("DATA_DIR", "/srv/moc"),
        ];
        let replica = greets(&replica, "0.0.0.0:80");
        assert!(replica.contains("listens on 0.0.0.0:80\n"), "{replica}");
        assert!(replica.contains("@db/moc\n"), "{replica}");
        assert!(replica.contains("bucket mocs"), "{replica}");
        for absent in ["hunter2", "/srv/moc"] {
            assert!(!replica.contains(absent), "{replica}");
        }
    }
}
