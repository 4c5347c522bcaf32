//! Swagger UI, from the binary itself.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use moc_uploads_core::Error;
use utoipa_swagger_ui::Config;

use super::not_found;
use crate::problem::Problem;

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(
        Config::new(["../openapi.json"])
            .try_it_out_enabled(true)
            .persist_authorization(true)
            .display_request_duration(true),
    )
});

/// This document, to read and try in a browser
#[utoipa::path(
    get,
    path = "/docs",
    operation_id = "getDocs",
    tag = "System",
    responses((status = 200, body = String, content_type = "text/html", description = "Swagger UI."))
)]
pub(crate) async fn get_docs() -> Result<Response, Problem> {
    let page = file("index.html").await?;
    // Its links are relative to a folder, and this address is none.
    let (parts, body) = page.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX)
        .await
        .map_err(Error::internal)?;
    let html = String::from_utf8_lossy(&bytes)
        .replace("href=\"./", "href=\"docs/")
        .replace("href=\"index.css", "href=\"docs/index.css")
        .replace("src=\"./", "src=\"docs/");
    Ok(Response::from_parts(parts, html.into()))
}

pub(crate) async fn get_docs_folder() -> Result<Response, Problem> {
    file("index.html").await
}

pub(crate) async fn get_docs_file(
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    match name {
        Ok(Path(name)) => file(&name).await,
        Err(_) => Err(not_found().await),
    }
}

async fn file(name: &str) -> Result<Response, Problem> {
    let found = utoipa_swagger_ui::serve(name, CONFIG.clone())
        .map_err(|error| Error::internal(error.to_string()))?;
    match found {
        Some(file) => Ok(([(CONTENT_TYPE, file.content_type)], file.bytes).into_response()),
        None => Err(not_found().await),
    }
}
