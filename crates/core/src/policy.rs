//! What may be uploaded: the table of CONTRACT section 1.1.

use crate::error::Error;
use crate::file::{Category, FileMetadata};

const PDF: &[&str] = &["application/pdf"];
const PICTURES: &[&str] = &[
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
];
const PARTS_LISTS: &[&str] = &[
    "text/csv",
    "application/csv",
    "text/plain",
    "application/json",
    "text/json",
    "application/xml",
    "text/xml",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

/// The MIME types that a category takes.
pub const fn allowed_types(category: Category) -> &'static [&'static str] {
    match category {
        Category::Instruction => PDF,
        Category::Image | Category::Thumbnail => PICTURES,
        Category::PartsList => PARTS_LISTS,
    }
}

/// Sizes in bytes and counts; the defaults are those of CONTRACT section 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Of an instruction (`UPLOAD_PDF_MAX_MB`).
    pub pdf_max_bytes: u64,
    /// Of an image or a thumbnail (`UPLOAD_IMAGE_MAX_MB`).
    pub image_max_bytes: u64,
    /// Of a parts list (`UPLOAD_PARTSLIST_MAX_MB`).
    pub parts_list_max_bytes: u64,
    /// Images and thumbnails of a session together (`UPLOAD_IMAGE_MAX_COUNT`).
    pub image_max_count: usize,
    /// Parts lists of a session (`UPLOAD_PARTSLIST_MAX_COUNT`).
    pub parts_list_max_count: usize,
}

impl Default for Policy {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            pdf_max_bytes: 50 * MIB,
            image_max_bytes: 10 * MIB,
            parts_list_max_bytes: 5 * MIB,
            image_max_count: 20,
            parts_list_max_count: 5,
        }
    }
}

impl Policy {
    /// The largest file of a category, in bytes.
    pub const fn max_bytes(&self, category: Category) -> u64 {
        match category {
            Category::Instruction => self.pdf_max_bytes,
            Category::Image | Category::Thumbnail => self.image_max_bytes,
            Category::PartsList => self.parts_list_max_bytes,
        }
    }

    /// One file by itself.
    ///
    /// # Errors
    /// [`Error::UnsupportedType`], [`Error::FileTooLarge`].
    pub fn check_file(&self, file: &FileMetadata) -> Result<(), Error> {
        let allowed = allowed_types(file.category);
        if !allowed.contains(&file.content_type.as_str()) {
            return Err(Error::UnsupportedType {
                key: file.key.clone(),
                category: file.category,
                content_type: file.content_type.clone(),
                allowed,
            });
        }
        let max_bytes = self.max_bytes(file.category);
        if file.size_bytes > max_bytes {
            return Err(Error::FileTooLarge {
                key: file.key.clone(),
                category: file.category,
                size_bytes: file.size_bytes,
                max_bytes,
            });
        }
        Ok(())
    }

    /// How many there may be of each kind.
    ///
    /// # Errors
    /// [`Error::FileCountExceeded`].
    pub fn check_counts(&self, categories: impl Iterator<Item = Category>) -> Result<(), Error> {
        let (mut images, mut parts_lists) = (0, 0);
        for category in categories {
            match category {
                Category::Instruction => {}
                Category::Image | Category::Thumbnail => images += 1,
                Category::PartsList => parts_lists += 1,
            }
        }
        for (what, count, max_count) in [
            ("images and thumbnails", images, self.image_max_count),
            ("parts lists", parts_lists, self.parts_list_max_count),
        ] {
            if count > max_count {
                return Err(Error::FileCountExceeded {
                    detail: format!(
                        "A session takes at most {max_count} {what}; these would be {count}."
                    ),
                    max_count,
                });
            }
        }
        Ok(())
    }

    /// All files of a new session.
    ///
    /// # Errors
    /// As [`Policy::check_file`] and [`Policy::check_counts`]; [`Error::BadRequest`] without an
    /// instruction.
    pub fn check_session(&self, files: &[FileMetadata]) -> Result<(), Error> {
        if !files
            .iter()
            .any(|file| file.category == Category::Instruction)
        {
            return Err(Error::BadRequest(
                "At least one file must be of the category \"instruction\".".to_owned(),
            ));
        }
        self.check_counts(files.iter().map(|file| file.category))?;
        files.iter().try_for_each(|file| self.check_file(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    fn file(category: Category, content_type: &str, size_bytes: u64) -> FileMetadata {
        FileMetadata {
            key: "k".to_owned(),
            category,
            name: "n".to_owned(),
            size_bytes,
            content_type: content_type.to_owned(),
            ext: "x".to_owned(),
            hash: None,
        }
    }

    fn code(files: &[FileMetadata]) -> Option<ErrorCode> {
        Policy::default()
            .check_session(files)
            .err()
            .map(|error| error.code())
    }

    #[test]
    fn limits_hold_to_the_byte() {
        for (category, content_type, max_mib) in [
            (Category::Instruction, "application/pdf", 50),
            (Category::Image, "image/heic", 10),
            (Category::Thumbnail, "image/png", 10),
            (Category::PartsList, "text/csv", 5),
        ] {
            let max = max_mib * 1024 * 1024;
            let policy = Policy::default();
            assert!(
                policy
                    .check_file(&file(category, content_type, max))
                    .is_ok()
            );
            let error = policy
                .check_file(&file(category, content_type, max + 1))
                .unwrap_err();
            assert_eq!(error.code(), ErrorCode::FileTooLarge);
        }
    }

    #[test]
    fn a_session_needs_an_instruction_and_has_bounded_counts() {
        let pdf = file(Category::Instruction, "application/pdf", 1);
        let image = file(Category::Image, "image/png", 1);
        let list = file(Category::PartsList, "text/csv", 1);
        assert_eq!(
            code(std::slice::from_ref(&image)),
            Some(ErrorCode::BadRequest)
        );
        let mut files = vec![pdf.clone()];
        files.extend(vec![image.clone(); 20]);
        files.extend(vec![list.clone(); 5]);
        assert_eq!(code(&files), None);
        for extra in [&image, &list] {
            let mut files = files.clone();
            files.push(extra.clone());
            assert_eq!(code(&files), Some(ErrorCode::FileCountExceeded));
        }
        let html = file(Category::Image, "text/html", 1);
        assert_eq!(code(&[pdf, html]), Some(ErrorCode::UnsupportedMediaType));
    }
}
