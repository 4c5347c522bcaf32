//! What a file is, by its name.

use std::path::Path;

use moc_uploads_core::file::Category;
use moc_uploads_core::policy::allowed_types;

/// The MIME type and the category of a file name.
///
/// # Errors
/// What would be taken, for a name that does not fit.
pub(crate) fn type_of(path: &Path, wish: Option<Category>) -> Result<(String, Category), String> {
    let Some(content_type) = mime_guess::from_path(path).first_raw() else {
        return Err(format!(
            "its name does not say what it is; {}.",
            extensions(&Category::ALL)
        ));
    };
    let takes = |category: &Category| allowed_types(*category).contains(&content_type);
    match wish {
        Some(wish) if takes(&wish) => Ok((content_type.to_owned(), wish)),
        Some(wish) => Err(format!(
            "{content_type} can't be used as {wish}; {}.",
            extensions(&[wish])
        )),
        None => Category::ALL
            .into_iter()
            .find(takes)
            .map(|category| (content_type.to_owned(), category))
            .ok_or_else(|| {
                format!(
                    "{content_type} can't be uploaded; {}.",
                    extensions(&Category::ALL)
                )
            }),
    }
}

fn extensions(categories: &[Category]) -> String {
    let of = |category| match category {
        Category::Instruction => "an instruction ends in .pdf",
        Category::PartsList => "a parts list ends in .csv, .txt, .json, .xml, .xls or .xlsx",
        Category::Image => "an image ends in .jpg, .png, .webp, .heic or .heif",
        Category::Thumbnail if categories.len() > 1 => "a thumbnail likewise",
        Category::Thumbnail => "a thumbnail ends in .jpg, .png, .webp, .heic or .heif",
    };
    categories
        .iter()
        .map(|category| of(*category))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(name: &str) -> Option<(String, Category)> {
        type_of(Path::new(name), None).ok()
    }

    #[test]
    fn categories_follow_the_type() {
        for (name, content_type, category) in [
            ("castle.pdf", "application/pdf", Category::Instruction),
            ("CASTLE.PDF", "application/pdf", Category::Instruction),
            ("parts.csv", "text/csv", Category::PartsList),
            ("parts.txt", "text/plain", Category::PartsList),
            ("parts.json", "application/json", Category::PartsList),
            ("parts.xml", "text/xml", Category::PartsList),
            ("parts.xls", "application/vnd.ms-excel", Category::PartsList),
            (
                "parts.xlsx",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                Category::PartsList,
            ),
            ("front.jpg", "image/jpeg", Category::Image),
            ("front.jpeg", "image/jpeg", Category::Image),
            ("front.png", "image/png", Category::Image),
            ("front.webp", "image/webp", Category::Image),
            ("front.heic", "image/heic", Category::Image),
            ("front.heif", "image/heif", Category::Image),
        ] {
            assert_eq!(
                guess(name),
                Some((content_type.to_owned(), category)),
                "{name}"
            );
        }
        for name in ["front.gif", "castle.io", "castle", "castle.zip", "a.html"] {
            assert_eq!(guess(name), None, "{name}");
        }
    }

    #[test]
    fn a_wish_counts_when_the_type_allows_it() {
        let thumbnail = type_of(Path::new("a.png"), Some(Category::Thumbnail)).unwrap();
        assert_eq!(thumbnail.1, Category::Thumbnail);
        let error = type_of(Path::new("a.png"), Some(Category::Instruction)).unwrap_err();
        assert!(
            error.contains("image/png") && error.contains(".pdf"),
            "{error}"
        );
    }
}
