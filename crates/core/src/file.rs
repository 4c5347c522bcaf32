//! Files: as a client declares them, and as they are registered in a session.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{FileId, SessionId};
use crate::object_key::ObjectKey;
use crate::part::ETag;
use crate::plan::PartPlan;
use crate::ports::{Upload, UploadId};
use crate::time::Timestamp;

/// What a file is for (CONTRACT section 1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// The building instructions, a PDF.
    Instruction,
    /// A list of the parts needed.
    PartsList,
    /// A photo of the MOC.
    Image,
    /// The picture shown in lists.
    Thumbnail,
}

impl Category {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 4] = [
        Self::Instruction,
        Self::PartsList,
        Self::Image,
        Self::Thumbnail,
    ];

    /// The name that clients use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instruction => "instruction",
            Self::PartsList => "parts-list",
            Self::Image => "image",
            Self::Thumbnail => "thumbnail",
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Category {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == name)
            .ok_or_else(|| UnknownName(name.to_owned()))
    }
}

/// A name that is none of an enumeration's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown name {0:?}")]
pub struct UnknownName(pub String);

/// A hash that a client computed: 32 to 128 hex digits in lower case (CONTRACT section 1.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileHash(String);

impl FileHash {
    /// From hex digits of any case; `None` when it is no such thing.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        (is_hex && (32..=128).contains(&text.len())).then(|| Self(text.to_ascii_lowercase()))
    }

    /// Lower-case hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digest that the server verifies: 64 digits are taken for a SHA-256, others are opaque.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        let digits = self.0.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut digest = [0; 32];
        for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).ok()?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(digest)
    }
}

/// A file as a client describes it, after the schema was checked (CONTRACT section 1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMetadata {
    /// Names the file within its session.
    pub key: String,
    /// What it is for.
    pub category: Category,
    /// As the user sees it, 1 to 255 characters.
    pub name: String,
    /// Bytes, at least 1.
    pub size_bytes: u64,
    /// MIME type without parameters, lower case: a hint, the bytes decide at finalize.
    pub content_type: String,
    /// 1 to 10 characters, without a dot.
    pub ext: String,
    /// Computed by the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<FileHash>,
}

impl FileMetadata {
    /// Whether `other` is the same file as declared: same key, category, size and type
    /// (CONTRACT section 1.3).
    pub fn is_declared_as(&self, other: &Self) -> bool {
        self.key == other.key
            && self.category == other.category
            && self.size_bytes == other.size_bytes
            && self.content_type == other.content_type
    }
}

/// How far a file is (CONTRACT section 1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// Registered, nothing has arrived.
    Pending,
    /// Some parts have arrived.
    Uploading,
    /// Assembled and in the object store.
    Completed,
    /// Given up: its session ended before it was completed, or what it stored was freed.
    Failed,
}

impl FileStatus {
    /// The name that clients and tables use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Uploading => "uploading",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for FileStatus {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        [
            Self::Pending,
            Self::Uploading,
            Self::Completed,
            Self::Failed,
        ]
        .into_iter()
        .find(|status| status.as_str() == name)
        .ok_or_else(|| UnknownName(name.to_owned()))
    }
}

/// A file registered in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadFile {
    /// Its id.
    pub id: FileId,
    /// The session it belongs to.
    pub session_id: SessionId,
    /// As it was declared.
    pub metadata: FileMetadata,
    /// How far it is.
    pub status: FileStatus,
    /// Where the object store keeps it. `None` for rows that were not written by this service.
    pub object_key: Option<ObjectKey>,
    /// The object store's name for the multipart upload.
    pub upload_id: Option<UploadId>,
    /// Where it can be had once it is completed.
    pub file_url: Option<String>,
    /// Of the assembled file.
    pub etag: Option<ETag>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its row changed last.
    pub updated_at: Timestamp,
}

impl UploadFile {
    /// How it is cut into parts in a session with this part size.
    pub fn plan(&self, part_size_bytes: u64) -> PartPlan {
        PartPlan::new(self.metadata.size_bytes, part_size_bytes)
    }

    /// Its multipart upload, where it has one.
    pub fn upload(&self) -> Option<Upload> {
        Some(Upload {
            key: self.object_key.clone()?,
            id: self.upload_id.clone()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_hex_of_32_to_128_digits_and_case_does_not_matter() {
        let sha256 = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        let hash = FileHash::parse(sha256).unwrap();
        assert_eq!(hash.as_str(), sha256.to_lowercase());
        assert_eq!(hash.sha256().unwrap()[..2], [0xe3, 0xb0]);
        assert!(FileHash::parse(&"a".repeat(32)).unwrap().sha256().is_none());
        for wrong in ["", "g", &"a".repeat(31), &"a".repeat(129), &"é".repeat(32)] {
            assert_eq!(FileHash::parse(wrong), None, "{wrong}");
        }
    }
}
