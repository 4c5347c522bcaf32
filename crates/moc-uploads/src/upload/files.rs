//! What to upload: the files on the command line, looked at before anything is sent.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use moc_uploads_core::file::Category;
use ring::digest;
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::kind::type_of;

/// A file on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// Absolute, in a folder without links: the same file however it was named. The file itself may
    /// be a link, which has a name of its own.
    pub(crate) path: PathBuf,
    /// Names it within the session: its name, or `name-2.ext` when that is taken.
    pub(crate) key: String,
    /// As the user sees it.
    pub(crate) name: String,
    /// Lower case, without the dot.
    pub(crate) ext: String,
    /// MIME type, by extension.
    pub(crate) content_type: String,
    /// Guessed from the type, or as the user wishes.
    pub(crate) category: Category,
    /// Bytes, at least 1.
    pub(crate) size: u64,
    /// Nanoseconds since 1970, 0 when the file system does not say.
    pub(crate) modified_ns: u64,
}

impl LocalFile {
    /// Whether size and time on disk are still what they were.
    pub(crate) fn is_unchanged(&self) -> io::Result<bool> {
        let metadata = fs::metadata(&self.path)?;
        Ok(metadata.len() == self.size && modified_ns(&metadata) == self.modified_ns)
    }
}

/// Looks at every file.
///
/// # Errors
/// [`Error::Usage`] with everything that is wrong, one sentence per file.
pub(crate) fn look_at(
    paths: &[PathBuf],
    wishes: &[(PathBuf, Category)],
) -> Result<Vec<LocalFile>, Error> {
    let mut problems: Vec<String> = wishes
        .iter()
        .filter(|(wish, _)| !paths.iter().any(|path| is_meant(wish, path)))
        .map(|(wish, category)| {
            format!(
                "--category {}={category} names none of the files.",
                wish.display()
            )
        })
        .collect();
    let mut files = Vec::with_capacity(paths.len());
    let mut seen = HashSet::new();
    for path in paths {
        let wish = wishes.iter().rfind(|(wish, _)| is_meant(wish, path));
        match look_at_one(path, wish.map(|(_, category)| *category)) {
            Ok(file) if !seen.insert(file.path.clone()) => {
                problems.push(format!("{} is given twice.", path.display()));
            }
            Ok(file) => files.push(file),
            Err(problem) => problems.push(format!("{}: {problem}", path.display())),
        }
    }
    if problems.is_empty()
        && !files
            .iter()
            .any(|file| file.category == Category::Instruction)
    {
        problems.push("None of the files is an instruction: add a PDF.".to_owned());
    }
    if !problems.is_empty() {
        return Err(Error::Usage(problems));
    }
    give_keys(&mut files);
    Ok(files)
}

/// A wish names a file as it stands on the command line, or by its name alone.
fn is_meant(wish: &Path, path: &Path) -> bool {
    wish == path || Some(wish.as_os_str()) == path.file_name()
}

fn look_at_one(path: &Path, wish: Option<Category>) -> Result<LocalFile, String> {
    // Before it is opened: that waits for ever at a pipe to which nobody writes.
    let metadata = fs::metadata(path).map_err(|error| reason(&error))?;
    if !metadata.is_file() {
        return Err(format!(
            "this is {}, and only files can be uploaded.",
            what_is(metadata.file_type())
        ));
    }
    let (content_type, category) = type_of(path, wish)?;
    let path = resolved(path).map_err(|error| reason(&error))?;
    File::open(&path).map_err(|error| reason(&error))?;
    if metadata.len() == 0 {
        return Err("the file is empty.".to_owned());
    }
    let lossy = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let name = lossy(path.file_name());
    Ok(LocalFile {
        key: String::new(),
        ext: lossy(path.extension()).to_ascii_lowercase(),
        size: metadata.len(),
        modified_ns: modified_ns(&metadata),
        content_type,
        category,
        name,
        path,
    })
}

fn resolved(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok(fs::canonicalize(folder)?.join(name)),
        _ => fs::canonicalize(path),
    }
}

fn what_is(file_type: fs::FileType) -> &'static str {
    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

/// Keys do not depend on the order of the command line, so that `--resume` finds them again.
fn give_keys(files: &mut [LocalFile]) {
    let mut by_path: Vec<&mut LocalFile> = files.iter_mut().collect();
    by_path.sort_by(|a, b| a.path.cmp(&b.path));
    let names: HashSet<String> = by_path.iter().map(|file| file.name.clone()).collect();
    let mut taken = HashSet::new();
    for file in by_path {
        let (stem, ext) = match file.name.rsplit_once('.') {
            Some((stem, ext)) => (stem.to_owned(), format!(".{ext}")),
            None => (file.name.clone(), String::new()),
        };
        let mut number = 1;
        file.key.clone_from(&file.name);
        while taken.contains(&file.key) || (number > 1 && names.contains(&file.key)) {
            number += 1;
            file.key = format!("{stem}-{number}{ext}");
        }
        taken.insert(file.key.clone());
    }
}

/// The SHA-256 of a file, read on a blocking thread; dropping the future stops the reading.
///
/// # Errors
/// When it can't be read.
pub(crate) async fn sha256(file: &LocalFile) -> Result<String, Error> {
    let digest = digest_range(file, 0, file.size).await?;
    Ok(hex::encode(digest))
}

/// The SHA-256 of `len` bytes from `offset`.
///
/// # Errors
/// [`Error::Usage`] when they can't be read, or when there are fewer.
pub(crate) async fn digest_range(
    file: &LocalFile,
    offset: u64,
    len: u64,
) -> Result<digest::Digest, Error> {
    let stop = CancellationToken::new();
    let _stop_when_dropped = stop.clone().drop_guard();
    let path = file.path.clone();
    tokio::task::spawn_blocking(move || digest_blocking(&path, offset, len, &stop))
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| unreadable(file, &error))
}

fn digest_blocking(
    path: &Path,
    offset: u64,
    len: u64,
    stop: &CancellationToken,
) -> io::Result<digest::Digest> {
    use std::io::Seek;
    let mut file = File::open(path)?;
    file.seek(io::SeekFrom::Start(offset))?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut buffer = vec![0; 256 * 1024];
    let mut left = len;
    while left > 0 && !stop.is_cancelled() {
        let want = left.min(buffer.len() as u64) as usize;
        let chunk = &mut buffer[..want];
        file.read_exact(chunk)?;
        context.update(chunk);
        left -= want as u64;
    }
    Ok(context.finish())
}

/// What to say when a file that was there before can't be read.
pub(crate) fn unreadable(file: &LocalFile, error: &io::Error) -> Error {
    Error::Usage(vec![match error.kind() {
        io::ErrorKind::UnexpectedEof => changed(file),
        _ => format!("{}: {}", file.path.display(), reason(error)),
    }])
}

/// What to say when a file is not what it was.
pub(crate) fn changed(file: &LocalFile) -> String {
    format!(
        "{} was changed while it was uploaded. Run the command again without --resume.",
        file.path.display()
    )
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file.".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not read this file.".to_owned(),
        _ => format!("it can't be read: {error}."),
    }
}

fn modified_ns(metadata: &fs::Metadata) -> u64 {
    let modified = metadata.modified().ok();
    modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_said_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let paths = [
            path("empty.pdf", b""),
            path("a.gif", b"GIF89a"),
            path("a.csv", b"1"),
            path("a.csv", b"1"),
            dir.path().join("missing.pdf"),
        ];
        let wishes = [(PathBuf::from("b.csv"), Category::PartsList)];
        let Err(Error::Usage(problems)) = look_at(&paths, &wishes) else {
            panic!("accepted");
        };
        for (problem, what) in problems.iter().zip([
            "names none of the files",
            "is empty",
            "image/gif",
            "twice",
            "no such file",
        ]) {
            assert!(problem.contains(what), "{problem:?} does not say {what:?}");
        }
        assert_eq!(problems.len(), 5);
        let Err(Error::Usage(problems)) = look_at(&paths[2..3], &[]) else {
            panic!("accepted");
        };
        assert!(problems[0].contains("PDF"), "{problems:?}");
    }

    #[test]
    fn a_file_by_two_names_is_given_twice() {
        let dir = tempfile::tempdir().unwrap();
        let pdf = dir.path().join("a.pdf");
        fs::write(&pdf, b"%PDF-").unwrap();
        fs::create_dir(dir.path().join("x")).unwrap();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("link")).unwrap();
        for again in ["x/../a.pdf", "link/a.pdf", "./a.pdf"] {
            let Err(Error::Usage(problems)) = look_at(&[pdf.clone(), dir.path().join(again)], &[])
            else {
                panic!("{again} is accepted");
            };
            assert!(
                problems[0].ends_with("a.pdf is given twice."),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn only_files_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name| dir.path().join(name);
        fs::create_dir(path("folder.pdf")).unwrap();
        fs::create_dir(path("folder")).unwrap();
        // Opening it would never end.
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe.pdf"), fifo, mode, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket.pdf")).unwrap();
        std::os::unix::fs::symlink("/dev/null", path("device.pdf")).unwrap();
        for (name, what) in [
            ("folder.pdf", "a folder"),
            ("folder", "a folder"),
            ("folder/.", "a folder"),
            ("pipe.pdf", "a pipe"),
            ("socket.pdf", "a socket"),
            ("device.pdf", "a device"),
        ] {
            let Err(Error::Usage(problems)) = look_at(&[path(name)], &[]) else {
                panic!("{name} is accepted");
            };
            let said = format!("this is {what}, and only files can be uploaded.");
            assert!(problems[0].ends_with(&said), "{problems:?}");
        }
    }

    #[test]
    fn keys_are_unique_whatever_the_order() {
        let dir = tempfile::tempdir().unwrap();
        let mut paths: Vec<PathBuf> = ["a/m.pdf", "b/m.pdf", "b/m-2.pdf", "c/m.pdf"]
            .iter()
            .map(|name| dir.path().join(name))
            .collect();
        for path in &paths {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"%PDF-").unwrap();
        }
        let keys = |paths: &[PathBuf]| {
            let mut files = look_at(paths, &[]).unwrap();
            files.sort_by(|a, b| a.path.cmp(&b.path));
            files.into_iter().map(|file| file.key).collect::<Vec<_>>()
        };
        let forwards = keys(&paths);
        assert_eq!(forwards, ["m.pdf", "m-2.pdf", "m-3.pdf", "m-4.pdf"]);
        paths.reverse();
        assert_eq!(keys(&paths), forwards);
    }

    #[tokio::test]
    async fn a_range_is_digested_exactly() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pdf");
        let bytes: Vec<u8> = (0..700_000u32).map(|n| n as u8).collect();
        fs::write(&path, &bytes).unwrap();
        let file = look_at(&[path], &[]).unwrap().remove(0);
        let got = digest_range(&file, 100, 600_000).await.unwrap();
        let expected = digest::digest(&digest::SHA256, &bytes[100..600_100]);
        assert_eq!(got.as_ref(), expected.as_ref());
        assert!(digest_range(&file, 100, 700_000).await.is_err());
    }
}
