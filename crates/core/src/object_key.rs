//! Where the object store keeps a file.

use std::fmt;

use crate::file::FileMetadata;
use crate::ids::{FileId, SessionId};
use crate::principal::UserId;

/// The key of an object: segments of `[A-Za-z0-9._-]` separated by `/`, none of them `.` or `..`,
/// at most [`ObjectKey::MAX_LEN`] characters in all. Never to be confused with a file key, which
/// is the client's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Short enough to be a file name on every file system.
    pub const MAX_LEN: usize = 240;

    /// `{stage}/moc-instructions/{userId}/{sessionId}/{category}/{fileId}.{ext}`, each part
    /// sanitised (CONTRACT section 1.3).
    pub fn for_file(
        stage: &str,
        user_id: &UserId,
        session_id: SessionId,
        file_id: FileId,
        metadata: &FileMetadata,
    ) -> Self {
        Self(format!(
            "{}{}/{session_id}/{}/{file_id}.{}",
            Self::prefix(stage),
            sanitise(user_id.as_str(), 64),
            metadata.category,
            sanitise(&metadata.ext.to_lowercase(), 10),
        ))
    }

    /// What all keys of a stage begin with.
    pub fn prefix(stage: &str) -> String {
        format!("{}/moc-instructions/", sanitise(stage, 16))
    }

    /// A key that was stored before; `None` when it is no valid key.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid = text.len() <= Self::MAX_LEN
            && text.split('/').all(|segment| {
                !matches!(segment, "" | "." | "..")
                    && segment
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            });
        is_valid.then(|| Self(text.to_owned()))
    }

    /// The key with its slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` as one safe segment of at most `max_len` characters. What can't stand in a key becomes
/// `-`; two texts may become the same, the ids in the key keep objects apart.
fn sanitise(text: &str, max_len: usize) -> String {
    let segment: String = text
        .chars()
        .take(max_len)
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect();
    if segment.is_empty() {
        "-".to_owned()
    } else {
        segment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Category;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_key_is_valid_whatever_the_client_says(
            stage in ".*", user in ".+", ext in ".{1,10}", key in ".*",
        ) {
            let metadata = FileMetadata {
                key,
                category: Category::PartsList,
                name: "x".to_owned(),
                size_bytes: 1,
                content_type: "text/csv".to_owned(),
                ext,
                hash: None,
            };
            let key = ObjectKey::for_file(
                &stage,
                &UserId::new(user),
                SessionId(uuid::Uuid::max()),
                FileId(uuid::Uuid::max()),
                &metadata,
            );
            prop_assert_eq!(ObjectKey::parse(key.as_str()), Some(key));
        }
    }

    #[test]
    fn keys_that_climb_are_refused() {
        for wrong in ["", "/a", "a/", "a//b", "a/../b", "./a", "a b", "a\0", "ä"] {
            assert_eq!(ObjectKey::parse(wrong), None, "{wrong:?}");
        }
    }
}
