//! From a URL to an operation.

use super::expand::{Expanded, Mode, Scope};
use crate::diagnostic::{Diagnostic, closest};
use crate::document::{Document, Operation};
use crate::http::{Expression, Request};

/// Where a request goes.
pub(crate) enum Target<'a> {
    /// To an operation of the document.
    Operation {
        operation: &'a Operation,
        /// Values of the path's parameters, in its order, with marks.
        path_values: Vec<String>,
        /// `name=value` after the `?`, with marks.
        query: Vec<(String, String)>,
    },
    /// To a URL that an earlier answer gave.
    Given,
}

/// Finds a request's operation.
pub(crate) fn find<'a>(
    request: &'a Request,
    scope: &Scope<'a>,
    document: &'a Document,
) -> Result<Target<'a>, Box<Diagnostic>> {
    let url = Expanded::new(scope, [&request.url], Mode::Plain);
    let first = url.pieces(&url.text).first().copied();
    let mut rest = url.text.as_str();
    if let Some(Ok(number)) = first {
        // From the environment comes a server's address, from an answer all of a URL.
        match url.unknowns[number].expression {
            Expression::Reference(_) => return Ok(Target::Given),
            _ => rest = &rest[rest.find(['/', '?']).unwrap_or(rest.len())..],
        }
    } else {
        rest = without_server(rest);
    }
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = if path.is_empty() { "/" } else { path };
    let method = request.method.value.as_str();

    let mut candidates: Vec<(&Operation, Vec<String>)> = document
        .operations()
        .iter()
        .filter_map(|operation| Some((operation, matched(&operation.path, path, &url)?)))
        .collect();
    // A literal segment wins over a parameter: /sessions/finalize over /sessions/{sessionId}.
    candidates.sort_by_key(|(_, values)| values.len());
    let best = candidates.first().map(|(_, values)| values.len());
    candidates.retain(|(_, values)| Some(values.len()) == best);

    let position = candidates
        .iter()
        .position(|(operation, _)| operation.method == method);
    if let Some(position) = position {
        let (operation, path_values) = candidates.swap_remove(position);
        return Ok(Target::Operation {
            operation,
            path_values,
            query: pairs(query),
        });
    }
    let source = &scope.file.source;
    if !candidates.is_empty() {
        let methods: Vec<&str> = candidates
            .iter()
            .map(|(operation, _)| operation.method.as_str())
            .collect();
        let problem = Diagnostic::new(source, request.method.span.clone()).says(format!(
            "the server takes no {method} at {}",
            candidates[0].0.path
        ));
        let problem = problem.hint(format!("it takes {}", methods.join(", ")));
        return Err(problem.into());
    }
    let shown = shown(path, &url);
    let problem = Diagnostic::new(source, request.url.span.clone())
        .says(format!("the server has no route {method} {shown}"));
    let known = document.operations().iter();
    let paths = known
        .filter(|operation| operation.method == method)
        .map(|operation| operation.path.as_str());
    let problem = match closest(&shown, paths) {
        Some(path) => problem.hint(format!("did you mean {method} {path}?")),
        None => {
            problem.hint("routes are those of the server's OpenAPI document: GET /openapi.json")
        }
    };
    Err(problem.into())
}

/// From the path on.
fn without_server(url: &str) -> &str {
    if url.starts_with('/') {
        return url;
    }
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    &after_scheme[after_scheme.find(['/', '?']).unwrap_or(after_scheme.len())..]
}

/// The values of the parameters when the path is of this route.
fn matched(route: &str, path: &str, url: &Expanded<'_>) -> Option<Vec<String>> {
    let mut values = Vec::new();
    let mut segments = path.split('/');
    for expected in route.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') && expected.ends_with('}') {
            if segment.is_empty() {
                return None;
            }
            values.push(segment.to_owned());
        } else if segment != expected || url.pieces(segment).iter().any(Result::is_ok) {
            return None;
        }
    }
    segments.next().is_none().then_some(values)
}

fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .map(|pair| pair.trim())
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.trim().to_owned(), value.trim().to_owned())
        })
        .collect()
}

/// A path for people: `{...}` for what is filled in.
fn shown(path: &str, url: &Expanded<'_>) -> String {
    let pieces = url.pieces(path).into_iter();
    pieces.map(|piece| piece.err().unwrap_or("{...}")).collect()
}
