//! Which operations the SDK has, under which names, and which request shows each.

use std::collections::HashMap;

use super::Joined;
use crate::diagnostic::Diagnostic;
use crate::document::{Document, Operation};

/// An operation of the SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    /// Of the function.
    pub(crate) name: String,
    /// The request that gives the operation its name, its documentation and its first example.
    pub(crate) request: usize,
    /// All its requests, in order; the index is that of [`super::Contract::joined`].
    pub(crate) requests: Vec<usize>,
}

/// What `# @sdk none` says: the operation is no part of the SDK.
const NONE: &str = "none";

/// Chooses the request that presents each operation: the one marked `# @sdk`, else the one that has
/// the name that the server gives the operation, else the only one that is to succeed.
pub(super) fn choose(
    joined: &[Joined<'_>],
    document: &Document,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Presented> {
    let mut presented = Vec::new();
    for operation in document.operations() {
        let requests: Vec<usize> = (0..joined.len())
            .filter(|index| joined[*index].operation() == Some(operation))
            .collect();
        let successes: Vec<usize> = requests
            .iter()
            .copied()
            .filter(|index| joined[*index].is_success())
            .collect();
        if successes.is_empty() {
            problems.push(nothing_shows(operation, !requests.is_empty(), document));
            continue;
        }
        match one_of(operation, &successes, joined) {
            Ok(Some((request, name))) => presented.push(Presented {
                name,
                request,
                requests,
            }),
            Ok(None) => {}
            Err(problem) => problems.push(*problem),
        }
    }
    presented.sort_by(|a, b| a.name.cmp(&b.name));
    let mut names: HashMap<&str, usize> = HashMap::new();
    for one in &presented {
        let request = &joined[one.request];
        let source = &request.scope.file.source;
        let problem = || Diagnostic::new(source, request.request.span.clone());
        if let Some(other) = names.insert(&one.name, one.request) {
            let other = joined[other].operation();
            let route = other.map_or(String::new(), |it| format!("{} {}", it.method, it.path));
            problems.push(
                problem()
                    .says(format!("two operations would be named `{}`", one.name))
                    .hint(format!(
                        "the other is {route}; name one of them by # @sdk otherName"
                    )),
            );
        }
        if !is_identifier(&one.name) {
            problems.push(
                problem()
                    .says(format!("`{}` can't be the name of a function", one.name))
                    .hint("name it by # @sdk camelCase"),
            );
        }
    }
    presented
}

/// The request that presents an operation, and the operation's name; `None` when the SDK does
/// without it.
fn one_of(
    operation: &Operation,
    successes: &[usize],
    joined: &[Joined<'_>],
) -> Result<Option<(usize, String)>, Box<Diagnostic>> {
    let mark = |index: &usize| joined[*index].request.annotation("sdk");
    let marked: Vec<usize> = successes
        .iter()
        .copied()
        .filter(|index| mark(index).is_some())
        .collect();
    let named = |index: &&usize| joined[**index].name() == Some(operation.id.as_str());
    let problem = |index: usize| {
        let one = &joined[index];
        Diagnostic::new(&one.scope.file.source, one.request.span.clone())
    };
    let chosen = match (marked[..].first(), successes.iter().find(named), successes) {
        (Some(marked), _, _) => *marked,
        (None, Some(named), _) => *named,
        (None, None, [only]) => *only,
        (None, None, _) => {
            return Err(problem(successes[0])
                .says(format!(
                    "{} {} has {} requests that are to succeed, and none names it",
                    operation.method,
                    operation.path,
                    successes.len()
                ))
                .hint(
                    "put # @sdk below # @name of the one whose name the SDK's function is to have",
                )
                .hint(format!("or # @sdk {} below any of them", operation.id))
                .into());
        }
    };
    if let [_, other, ..] = marked[..] {
        return Err(problem(other)
            .says(format!(
                "{} {} is marked `# @sdk` twice",
                operation.method, operation.path
            ))
            .hint("leave one of the two marks out")
            .into());
    }
    let value = mark(&chosen).and_then(|mark| mark.value.as_ref());
    match value.map(|value| value.value.as_str()) {
        Some(NONE) => Ok(None),
        Some(name) => Ok(Some((chosen, name.to_owned()))),
        None => match joined[chosen].name() {
            Some(name) => Ok(Some((chosen, name.to_owned()))),
            None => Err(problem(chosen)
                .says("this request presents its operation, and has no name")
                .hint(format!("add above it: # @name {}", operation.id))
                .into()),
        },
    }
}

fn nothing_shows(operation: &Operation, has_refusals: bool, document: &Document) -> Diagnostic {
    let described = document.operation(operation);
    let title = described["summary"].as_str().unwrap_or(&operation.id);
    let status = document
        .responses(operation)
        .map(|(status, _)| status)
        .find(|it| it.starts_with('2'));
    let what = if has_refusals {
        "request that is to succeed"
    } else {
        "request"
    };
    Diagnostic::about("the server's OpenAPI document")
        .says(format!(
            "{} {} has no {what} in any .http file",
            operation.method, operation.path
        ))
        .hint(format!(
            "add one:\n### {title}\n# @name {}\n# @expect {}\n{} {{{{baseUrl}}}}{}",
            operation.id,
            status.unwrap_or("200"),
            operation.method,
            operation.path
        ))
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
