//! The core's enumerations, and raw bytes, in the OpenAPI document.

use std::borrow::Cow;

use moc_uploads_core::ErrorCode;
use moc_uploads_core::analytics;
use moc_uploads_core::file;
use moc_uploads_core::session;
use utoipa::openapi::schema::{KnownFormat, SchemaFormat, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! enumeration {
    ($name:ident: $description:literal, $values:expr) => {
        #[doc = $description]
        pub(crate) struct $name;

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($description))
                    .enum_values(Some($values))
                    .build()
                    .into()
            }
        }
    };
}

enumeration!(
    FileCategory: "What a file is for.", file::Category::ALL.map(file::Category::as_str));
enumeration!(
    SessionStatus: "State of a session.",
    session::SessionStatus::ALL.map(session::SessionStatus::as_str)
);
enumeration!(FileStatus: "How far a file is.", {
    use file::FileStatus::{Completed, Failed, Pending, Uploading};
    [Pending, Uploading, Completed, Failed].map(file::FileStatus::as_str)
});
enumeration!(
    SessionEventType: "What happened.", analytics::EventType::ALL.map(analytics::EventType::as_str));
enumeration!(MocStatus: "MOCs are born private.", ["private"]);
enumeration!(FinalizingStatus: "The MOC is being created.", ["finalizing"]);
enumeration!(
    ProblemCode: "Why a request was refused: for programs to switch on.",
    ErrorCode::ALL.iter().map(|code| code.as_str())
);

/// A body of raw bytes. A `Vec<u8>` would be an array of integers, in JSON.
pub(crate) struct Bytes;

impl ToSchema for Bytes {}

impl PartialSchema for Bytes {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .build()
            .into()
    }
}
