//! `FileMetadata` as clients send it (CONTRACT section 1.1).

use moc_uploads_core::file::{Category, FileHash, FileMetadata};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::validate::{FieldErrors, Length, mime_essence};

/// The largest integer that JSON carries safely.
const MAX_SIZE: u64 = 1 << 53;

/// A file as the client describes it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[schema(as = FileMetadata, example = json!({
    "category": "instruction", "name": "castle.pdf", "size": 7340032,
    "type": "application/pdf", "ext": "pdf"
}))]
pub(crate) struct FileMetadataBody {
    #[schema(required, nullable = false, value_type = Option<crate::names::FileCategory>)]
    pub(crate) category: Option<String>,
    /// As the user sees it.
    #[schema(required, nullable = false, min_length = 1, max_length = 255)]
    pub(crate) name: Option<String>,
    /// Bytes.
    #[schema(required, nullable = false, value_type = Option<i64>, minimum = 1, maximum = 9007199254740992i64)]
    pub(crate) size: Option<u64>,
    /// MIME type; a hint, the bytes decide when the session is finalized.
    #[schema(required, nullable = false, min_length = 3, max_length = 255)]
    pub(crate) r#type: Option<String>,
    /// Extension of the file's name.
    #[schema(required, nullable = false, min_length = 1, max_length = 10)]
    pub(crate) ext: Option<String>,
    /// Names the file within its session; the name, when it is not there.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) key: Option<String>,
    /// 32 to 128 hex digits. 64 are taken for a SHA-256, which the server verifies.
    #[schema(min_length = 32, max_length = 128, pattern = "^[0-9A-Fa-f]+$")]
    pub(crate) hash: Option<String>,
}

impl FileMetadataBody {
    /// What names the file, as far as the client says.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref().or(self.name.as_deref())
    }

    /// The metadata, or `None` with what is wrong in `errors`. `at` is the JSON pointer of this
    /// object.
    pub(crate) fn check(self, at: &str, errors: &mut FieldErrors) -> Option<FileMetadata> {
        let key = self.key.clone().or_else(|| self.name.clone());
        if let Some(key) = &self.key {
            errors.text(format_args!("{at}/key"), key, Length(1, 255), false);
        }
        let name = errors.required(format_args!("{at}/name"), self.name);
        if let Some(name) = &name {
            errors.text(format_args!("{at}/name"), name, Length(1, 255), false);
        }
        let category = check_category(at, self.category, errors);
        let size_bytes = check_size(&format!("{at}/size"), self.size, errors);
        let content_type = check_type(at, self.r#type, errors);
        let ext = check_ext(at, self.ext, errors);
        let hash = check_hash(&format!("{at}/hash"), self.hash.as_deref(), errors);
        Some(FileMetadata {
            key: key?,
            category: category?,
            name: name?,
            size_bytes: size_bytes?,
            content_type: content_type?,
            ext: ext?,
            hash,
        })
    }
}

fn check_category(at: &str, value: Option<String>, errors: &mut FieldErrors) -> Option<Category> {
    let value = errors.required(format_args!("{at}/category"), value)?;
    let category = value.parse().ok();
    if category.is_none() {
        let names = Category::ALL.map(Category::as_str).join(", ");
        errors.push(
            format!("{at}/category"),
            format!("{value:?} is no category; the categories are {names}."),
        );
    }
    category
}

/// A number of bytes that a file can have.
pub(crate) fn check_size(
    pointer: &str,
    value: Option<u64>,
    errors: &mut FieldErrors,
) -> Option<u64> {
    let size = errors.required(pointer, value)?;
    if (1..=MAX_SIZE).contains(&size) {
        return Some(size);
    }
    errors.push(
        pointer,
        format!("{size} is no size of a file; 1 to {MAX_SIZE} bytes would be."),
    );
    None
}

fn check_type(at: &str, value: Option<String>, errors: &mut FieldErrors) -> Option<String> {
    let value = errors.required(format_args!("{at}/type"), value)?;
    let essence = mime_essence(&value).filter(|_| value.len() <= 255);
    if essence.is_none() {
        errors.push(
            format!("{at}/type"),
            "This is no MIME type of up to 255 characters, such as application/pdf.",
        );
    }
    essence
}

/// With or without the leading dot.
fn check_ext(at: &str, value: Option<String>, errors: &mut FieldErrors) -> Option<String> {
    let value = errors.required(format_args!("{at}/ext"), value)?;
    let ext = value.strip_prefix('.').unwrap_or(&value);
    errors.text(format_args!("{at}/ext"), ext, Length(1, 10), false);
    Some(ext.to_owned())
}

/// A hash as section 1.2 wants it.
pub(crate) fn check_hash(
    pointer: &str,
    value: Option<&str>,
    errors: &mut FieldErrors,
) -> Option<FileHash> {
    let hash = FileHash::parse(value?);
    if hash.is_none() {
        errors.push(
            pointer,
            "This is no hash of 32 to 128 hex digits, such as a SHA-256.",
        );
    }
    hash
}
