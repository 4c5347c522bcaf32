//! Problems in the OpenAPI document.

use std::collections::BTreeMap;

use moc_uploads_core::ErrorCode;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Schema,
};

use super::catalog;

/// A response per status, naming its codes. Every operation may answer 500, too.
pub(crate) fn responses_of(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<u16, Vec<ErrorCode>>::new();
    for &code in codes.iter().chain([&ErrorCode::InternalError]) {
        let status = catalog::entry(code).status.as_u16();
        by_status.entry(status).or_default().push(code);
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(status, &codes).into()))
        .collect()
}

fn response(status: u16, codes: &[ErrorCode]) -> Response {
    let said: Vec<String> = codes
        .iter()
        .map(|&code| format!("`{code}`: {}.", catalog::entry(code).title))
        .collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ProblemDetails")))
        .build();
    let mut response = ResponseBuilder::new()
        .description(said.join(" "))
        .content("application/problem+json", content);
    let header = match status {
        401 => Some((
            "WWW-Authenticate",
            Type::String,
            "What is missing or wrong.",
        )),
        405 => Some(("Allow", Type::String, "The methods that exist here.")),
        416 => Some((
            "Content-Range",
            Type::String,
            "The size of the file: `bytes */N`.",
        )),
        429 | 503 => Some(("Retry-After", Type::Integer, "Seconds.")),
        _ => None,
    };
    if let Some((name, schema_type, description)) = header {
        let schema: RefOr<Schema> = ObjectBuilder::new().schema_type(schema_type).build().into();
        let header = HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(description))
            .build();
        response = response.header(name, header);
    }
    response.build()
}

/// Declares a type that documents these codes of an operation:
/// `problem_responses!(CreateProblems: BadRequest, NotFound)`.
macro_rules! problem_responses {
    ($name:ident: $($code:ident),* $(,)?) => {
        struct $name;

        impl utoipa::IntoResponses for $name {
            fn responses() -> std::collections::BTreeMap<
                String,
                utoipa::openapi::RefOr<utoipa::openapi::Response>,
            > {
                $crate::problem::responses_of(&[$(moc_uploads_core::ErrorCode::$code),*])
            }
        }
    };
}
pub(crate) use problem_responses;
