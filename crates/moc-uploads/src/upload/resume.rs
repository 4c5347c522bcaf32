//! What is remembered on disk so that an interrupted upload can go on: which session it was, and
//! the files as they were. How far it got, the server knows.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ring::digest;
use serde::{Deserialize, Serialize};

use super::files::LocalFile;

/// One interrupted upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct State {
    /// Of the server.
    pub(crate) session_id: String,
    /// For the reader.
    pub(crate) server: String,
    /// As they were when the session was opened.
    pub(crate) files: Vec<SavedFile>,
}

/// A file as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SavedFile {
    key: String,
    path: String,
    size: u64,
    modified_ns: u64,
    sha256: String,
}

impl SavedFile {
    /// `sha256` in hex.
    pub(crate) fn new(file: &LocalFile, sha256: &str) -> Self {
        Self {
            key: file.key.clone(),
            path: file.path.to_string_lossy().into_owned(),
            size: file.size,
            modified_ns: file.modified_ns,
            sha256: sha256.to_owned(),
        }
    }
}

impl State {
    /// The hash of a file that was neither resized nor written to since.
    pub(crate) fn known_hash(&self, file: &LocalFile) -> Option<&str> {
        self.files
            .iter()
            .find(|saved| {
                saved.key == file.key
                    && saved.size == file.size
                    && saved.modified_ns == file.modified_ns
            })
            .map(|saved| saved.sha256.as_str())
    }

    /// Whether the file has the bytes that it had.
    pub(crate) fn has(&self, file: &LocalFile, sha256: &str) -> bool {
        self.files
            .iter()
            .any(|saved| saved.key == file.key && saved.sha256 == sha256)
    }
}

/// Where an upload is remembered: one file per server and set of files with their categories. The
/// title is not part of it, so that one that is taken can be changed.
#[derive(Debug)]
pub(crate) struct StateFile(PathBuf);

impl StateFile {
    /// In `dir`, which need not exist yet.
    pub(crate) fn new(dir: &Path, server: &str, files: &[LocalFile]) -> Self {
        let mut names: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_os_str().as_encoded_bytes(), file.category))
            .collect();
        names.sort();
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(server.as_bytes());
        for (path, category) in names {
            context.update(b"\0");
            context.update(path);
            context.update(b"\0");
            context.update(category.as_str().as_bytes());
        }
        let id = hex::encode(&context.finish().as_ref()[..16]);
        Self(dir.join(format!("{id}.json")))
    }

    /// What was saved; `None` when nothing was, or nothing legible.
    pub(crate) fn load(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(&self.0).ok()?).ok()
    }

    /// Replaces what was saved, at once or not at all.
    ///
    /// # Errors
    /// When the folder can't be written to.
    pub(crate) fn save(&self, state: &State) -> io::Result<()> {
        if let Some(dir) = self.0.parent() {
            fs::create_dir_all(dir)?;
        }
        let new = self.0.with_extension(format!("{}.new", std::process::id()));
        fs::write(&new, serde_json::to_vec_pretty(state)?)?;
        fs::rename(&new, &self.0)
    }

    /// Forgets the upload.
    pub(crate) fn remove(&self) {
        // One that stays is harmless: the server says that its session is over.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moc_uploads_core::file::Category;

    fn file(path: &str, category: Category) -> LocalFile {
        LocalFile {
            path: path.into(),
            key: path.to_owned(),
            name: path.to_owned(),
            ext: "pdf".to_owned(),
            content_type: "application/pdf".to_owned(),
            category,
            size: 7,
            modified_ns: 9,
        }
    }

    #[test]
    fn an_upload_is_found_by_server_files_and_categories() {
        let (a, b) = (
            file("/a", Category::Image),
            file("/b", Category::Instruction),
        );
        let at = |server, files: &[LocalFile]| StateFile::new(Path::new("d"), server, files).0;
        let here = at("http://s", &[a.clone(), b.clone()]);
        assert_eq!(here, at("http://s", &[b.clone(), a.clone()]));
        let thumbnail = file("/a", Category::Thumbnail);
        for other in [
            at("http://t", &[a.clone(), b.clone()]),
            at("http://s", std::slice::from_ref(&b)),
            at("http://s", &[thumbnail, b]),
        ] {
            assert_ne!(here, other);
        }
    }

    #[test]
    fn what_is_saved_comes_back_until_it_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = file("/a", Category::Image);
        let state_file = StateFile::new(&dir.path().join("new"), "http://s", &[file.clone()]);
        assert_eq!(state_file.load(), None);
        let state = State {
            session_id: "1".to_owned(),
            server: "http://s".to_owned(),
            files: vec![SavedFile::new(&file, "aa")],
        };
        state_file.save(&state).unwrap();
        let loaded = state_file.load().unwrap();
        assert_eq!(loaded, state);
        assert_eq!(loaded.known_hash(&file), Some("aa"));
        file.modified_ns += 1;
        assert_eq!(loaded.known_hash(&file), None);
        assert!(loaded.has(&file, "aa") && !loaded.has(&file, "ab"));

        fs::write(&state_file.0, b"{").unwrap();
        assert_eq!(state_file.load(), None);
        state_file.remove();
        assert!(!state_file.0.exists());
    }
}
