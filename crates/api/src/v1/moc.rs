//! A MOC as clients see it (CONTRACT section 1.6).

use moc_uploads_core::finalize::Moc;
use moc_uploads_core::ids::MocId;
use moc_uploads_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What a session became.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Moc)]
pub(super) struct MocBody {
    #[schema(value_type = uuid::Uuid)]
    id: MocId,
    title: String,
    /// Unique among the user's MOCs.
    #[schema(example = "castle-1")]
    slug: String,
    #[schema(required)]
    description: Option<String>,
    #[schema(value_type = crate::names::MocStatus)]
    status: &'static str,
    /// Object key of the first instruction that was registered.
    pdf_key: String,
    /// Object keys.
    image_keys: Vec<String>,
    /// Object keys.
    parts_keys: Vec<String>,
    tags: Vec<String>,
    #[schema(required)]
    theme: Option<String>,
    /// Of the first thumbnail, else the first image.
    #[schema(required)]
    thumbnail_url: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Moc> for MocBody {
    fn from(moc: Moc) -> Self {
        Self {
            id: moc.id,
            title: moc.draft.title,
            slug: moc.slug,
            description: moc.draft.description,
            status: "private",
            pdf_key: moc.pdf_key,
            image_keys: moc.image_keys,
            parts_keys: moc.parts_keys,
            tags: moc.draft.tags,
            theme: moc.draft.theme,
            thumbnail_url: moc.thumbnail_url,
            created_at: moc.created_at,
        }
    }
}
