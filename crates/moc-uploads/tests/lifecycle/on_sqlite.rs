//! The file of the database is one server's.

use moc_uploads_testkit::server::{Server, Store, choose, command};

use super::{BINARY, Connection};

#[test]
fn two_servers_do_not_share_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let stores = choose(folder.path(), Store::Sqlite);
    let server = Server::start(BINARY, folder.path(), &[]);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = command(BINARY, elsewhere.path());
    command.env("DATABASE_URL", stores.database_url());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("another server uses"), "{told}");
    assert_eq!(Connection::open(&server).get("/healthz").status, 200);
}
