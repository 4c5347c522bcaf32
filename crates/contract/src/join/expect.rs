//! `# @expect 409 CONFLICT`.

use serde_json::Value;

use crate::diagnostic::Diagnostic;
use crate::document::schema::Reached;
use crate::document::{Document, Operation, json_schema};
use crate::http::{Request, Step};
use crate::source::Source;

/// The status that a request states. It, and the error code after it, must be documented.
pub(super) fn read(
    request: &Request,
    source: &Source,
    operation: Option<&Operation>,
    document: &Document,
    problems: &mut Vec<Diagnostic>,
) -> Option<u16> {
    let annotation = request.annotation("expect")?;
    let Some(value) = &annotation.value else {
        problems.push(
            Diagnostic::new(source, annotation.name.span.clone())
                .says("no status is stated")
                .hint("write # @expect 409, or # @expect 409 CONFLICT with the error code"),
        );
        return None;
    };
    let problem = Diagnostic::new(source, value.span.clone());
    let mut words = value.value.split_ascii_whitespace();
    let status = words.next().and_then(|word| word.parse::<u16>().ok());
    let Some(status) = status.filter(|status| (100..600).contains(status)) else {
        problems.push(
            problem
                .says(format!("`{}` begins with no HTTP status", value.value))
                .hint("write # @expect 409, or # @expect 409 CONFLICT with the error code"),
        );
        return None;
    };
    let operation = operation?;
    let Some(response) = document.response(operation, status) else {
        let known: Vec<&str> = document
            .responses(operation)
            .map(|(status, _)| status)
            .collect();
        problems.push(
            problem
                .says(format!(
                    "{} {} is not documented to answer {status}",
                    operation.method, operation.path
                ))
                .hint(format!("it answers {}", known.join(", ")))
                .hint("if the server does answer so, document it there"),
        );
        return Some(status);
    };
    if let Some(code) = words.next()
        && let Some(codes) = codes(document, response)
        && !codes.contains(&code)
    {
        problems.push(
            problem
                .says(format!("`{code}` is none of the server's error codes"))
                .suggest(code, codes),
        );
    }
    Some(status)
}

/// The values that the member `code` of an answer can have, where they are listed.
fn codes<'a>(document: &'a Document, response: &'a Value) -> Option<Vec<&'a str>> {
    let schema = json_schema(response["content"].as_object()?)?;
    let Reached::Schema(code) = document.reach(schema, &[Step::Member("code".to_owned())]) else {
        return None;
    };
    let listed = document.resolve(code)["enum"].as_array()?;
    Some(listed.iter().filter_map(Value::as_str).collect())
}
