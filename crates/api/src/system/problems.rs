//! Pages that explain the codes: what a problem's `type` leads to.

use std::fmt::Write;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use moc_uploads_core::ErrorCode;

use super::not_found;
use crate::problem::catalog::{entry, slug};
use crate::problem::{Problem, problem_responses};

problem_responses!(Problems: NotFound);

/// All problems
#[utoipa::path(
    get,
    path = "/problems",
    operation_id = "listProblems",
    tag = "System",
    responses((status = 200, content((String = "text/html"), (String = "text/plain")), description = "Every code with its explanation."))
)]
pub(crate) async fn list_problems(headers: HeaderMap) -> Response {
    page("Problems", ErrorCode::ALL, &headers)
}

/// What a problem means
#[utoipa::path(
    get,
    path = "/problems/{slug}",
    operation_id = "getProblem",
    tag = "System",
    params(("slug" = String, Path, example = "session-expired")),
    responses(
        (status = 200, content((String = "text/html"), (String = "text/plain")), description = "What it means and how to go on."),
        Problems
    )
)]
pub(crate) async fn get_problem(
    wanted: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = wanted.map(|Path(slug)| slug).unwrap_or_default();
    match ErrorCode::ALL.iter().find(|&&code| slug(code) == wanted) {
        Some(code) => Ok(page(code.as_str(), &[*code], &headers)),
        None => Err(not_found().await),
    }
}

/// HTML for browsers, plain text for everybody else. Nothing in it comes from the request.
fn page(title: &str, codes: &[ErrorCode], headers: &HeaderMap) -> Response {
    let wants_html = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let mut text = String::new();
    if wants_html {
        text.push_str("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">");
        text.push_str("<meta name=\"viewport\" content=\"width=device-width\">");
        // Writing to a string never fails, here and below.
        let _ = write!(text, "<title>{title}</title>");
        text.push_str("<body style=\"max-width:40em;margin:2em auto;padding:0 1em;font-family:sans-serif;line-height:1.5\">");
    }
    for &code in codes {
        let entry = entry(code);
        let (title, status, about) = (entry.title, entry.status.as_u16(), entry.explanation);
        let _ = if wants_html {
            let slug = slug(code);
            write!(
                text,
                "<h1><a href=\"/problems/{slug}\">{title}</a></h1><p><code>{code}</code>, status {status}</p><p>{about}</p>"
            )
        } else {
            write!(text, "{title}\n{code}, status {status}\n\n{about}\n\n")
        };
    }
    let content_type = if wants_html {
        "text/html; charset=utf-8"
    } else {
        "text/plain; charset=utf-8"
    };
    ([(CONTENT_TYPE, content_type), (VARY, "accept")], text).into_response()
}
