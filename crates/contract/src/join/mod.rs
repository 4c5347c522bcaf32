//! Requests and operations, each with the other.

mod body;
pub(crate) mod expand;
mod expect;
mod parameters;
mod present;
pub(crate) mod route;
mod variables;

use serde_json::Value;

pub(crate) use body::{Written, json_body};
pub(crate) use present::Presented;

use crate::diagnostic::Diagnostic;
use crate::document::{Document, Operation};
use crate::http::Request;
use expand::Scope;
use route::Target;

/// A request and what the document says of it.
pub(crate) struct Joined<'a> {
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) request: &'a Request,
    /// `None` when there is no such route, which is told.
    pub(crate) target: Option<Target<'a>>,
    /// `# @expect`.
    pub(crate) expected: Option<u16>,
}

impl<'a> Joined<'a> {
    /// `# @name`.
    pub(crate) fn name(&self) -> Option<&'a str> {
        Some(self.request.name()?.value.as_str())
    }

    pub(crate) fn operation(&self) -> Option<&'a Operation> {
        match &self.target {
            Some(Target::Operation { operation, .. }) => Some(operation),
            _ => None,
        }
    }

    /// It is to be answered, not refused.
    pub(crate) fn is_success(&self) -> bool {
        self.expected.is_none_or(|status| status < 400)
    }

    /// The status of its answer: as it is stated, else the first success of the operation.
    pub(crate) fn status(&self, document: &Document) -> Option<u16> {
        self.expected.or_else(|| {
            let mut responses = document.responses(self.operation()?);
            responses
                .find_map(|(status, _)| status.parse().ok().filter(|it| (200..300).contains(it)))
        })
    }

    /// The schema of its answer's JSON.
    pub(crate) fn answer_schema<'d>(&self, document: &'d Document) -> Option<&'d Value> {
        document.response_schema(self.operation()?, self.status(document)?)
    }
}

/// The files and the document, joined without an error.
pub(crate) struct Contract<'a> {
    pub(crate) document: &'a Document,
    /// All requests, by file and in its order.
    pub(crate) joined: Vec<Joined<'a>>,
    /// The operations that the SDK has, by name.
    pub(crate) presented: Vec<Presented>,
}

/// Joins all files of a folder with the document.
///
/// # Errors
/// Everything that does not fit.
pub(crate) fn join<'a>(
    scopes: &'a [Scope<'a>],
    document: &'a Document,
) -> Result<Contract<'a>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut joined = Vec::new();
    for scope in scopes {
        for request in &scope.file.requests {
            joined.push(one(request, scope, document, &mut problems));
        }
    }
    variables::names(&joined, scopes, &mut problems);
    for scope in scopes {
        let of_file: Vec<&Joined<'_>> = joined
            .iter()
            .filter(|one| std::ptr::eq(one.scope, scope))
            .collect();
        variables::of_file(scope, &of_file, document, &mut problems);
        variables::of_requests(&of_file, document, &mut problems);
    }
    for one in &joined {
        if one.is_success() {
            parameters::check(one, document, &mut problems);
            body::check(one, document, &mut problems);
        }
        body::check_files(one, &mut problems);
    }
    let presented = present::choose(&joined, document, &mut problems);
    if problems.is_empty() {
        return Ok(Contract {
            document,
            joined,
            presented,
        });
    }
    problems.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
    problems.dedup();
    Err(problems)
}

fn one<'a>(
    request: &'a Request,
    scope: &'a Scope<'a>,
    document: &'a Document,
    problems: &mut Vec<Diagnostic>,
) -> Joined<'a> {
    let target = match route::find(request, scope, document) {
        Ok(target) => Some(target),
        Err(problem) => {
            problems.push(*problem);
            None
        }
    };
    let operation = match &target {
        Some(Target::Operation { operation, .. }) => Some(*operation),
        _ => None,
    };
    let expected = expect::read(request, &scope.file.source, operation, document, problems);
    Joined {
        scope,
        request,
        target,
        expected,
    }
}
