//! The OpenAPI document, made of the handlers' own types.

use axum::extract::State;
use axum::response::IntoResponse;
use http::header::CONTENT_TYPE;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};

use crate::problem::ProblemDetails;
use crate::state::AppState;

/// What the document says beyond the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "moc-uploads",
        description = "Resumable upload sessions for MOC instructions.\n\nOpen a session with the files that you are going to send, register each, send its parts, complete it, and finalize the session, which creates the MOC. Every answer has an `X-Correlation-Id`; every refusal is a problem (RFC 9457) whose `code` programs can switch on.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    tags(
        (name = "Sessions", description = "Open, look at, cancel and finalize upload sessions."),
        (name = "Files", description = "Register, complete and download the files of a session."),
        (name = "Parts", description = "Upload and list the parts of a file."),
        (name = "System", description = "Health, metrics and documentation; no token needed.")
    ),
    components(schemas(ProblemDetails))
)]
struct Document;

/// The document without its operations.
pub(crate) fn describe() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("A JSON Web Token; the user is its claim `sub`."))
        .build();
    let query = |name: &str, description: &str| {
        SecurityScheme::ApiKey(ApiKey::Query(ApiKeyValue::with_description(
            name,
            description,
        )))
    };
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme(
        "presignedSignature",
        query("signature", "Of a presigned URL; goes with `expires`."),
    );
    components.add_security_scheme(
        "presignedExpires",
        query("expires", "Of a presigned URL: Unix milliseconds."),
    );
    document
}

/// This document
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "getOpenApi",
    tag = "System",
    responses((status = 200, body = Object, description = "OpenAPI 3.1."))
)]
pub(crate) async fn get_open_api(State(app): State<AppState>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], app.openapi.clone())
}
