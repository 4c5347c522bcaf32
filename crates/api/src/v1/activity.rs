//! What the answer to activity says when it extended the session (CONTRACT section 1.7).

use moc_uploads_core::session::Extension;
use moc_uploads_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// There when this request extended the session.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionExtension {
    /// Always true.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    session_extended: Option<bool>,
    /// When the session expires now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    new_expires_at: Option<Timestamp>,
}

impl From<Option<Extension>> for SessionExtension {
    fn from(extension: Option<Extension>) -> Self {
        Self {
            session_extended: extension.map(|_| true),
            new_expires_at: extension.map(|extension| extension.new_expires_at),
        }
    }
}
