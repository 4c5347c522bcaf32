//! The folder of files is one server's.

use moc_uploads_testkit::server::{Server, Store, choose, command, stores};
use tempfile::TempDir;

use super::{BINARY, Connection};

fn start() -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    choose(folder.path(), Store::Disk);
    let server = Server::start(BINARY, folder.path(), &[]);
    (folder, server)
}

#[test]
fn a_second_server_on_the_same_data_does_not_start() {
    let (folder, server) = start();
    let output = command(BINARY, folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    // Whichever is opened first.
    let in_use = match stores(folder.path()).database {
        None => "another server uses",
        Some(_) => "another process is using the object store",
    };
    assert!(told.contains(in_use), "{told}");
    assert_eq!(Connection::open(&server).get("/healthz").status, 200);
}

#[test]
fn files_are_not_swept_with_the_database_of_others() {
    let (folder, server) = start();
    assert!(server.stop().success());
    let stored = folder.path().join("blobs/objects/00");
    std::fs::create_dir_all(&stored).unwrap();
    let stored = stored.join("dev~a.pdf");
    std::fs::write(&stored, "somebody's").unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let mut command = command(BINARY, folder.path());
    command.env("DATABASE_URL", stores(elsewhere.path()).database_url());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the files of another database"), "{told}");
    assert!(stored.exists());
}
