//! Whether what requests refer to is there.

use std::collections::HashMap;

use super::Joined;
use super::expand::Scope;
use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::document::schema::Reached;
use crate::http::{Expression, Message, Part, Piece, Reference, Template};
use crate::source::Span;

/// What REST Client, JetBrains' client and httpyac fill in by themselves.
const SYSTEM: [&str; 12] = [
    "$guid",
    "$uuid",
    "$timestamp",
    "$isoTimestamp",
    "$datetime",
    "$localDatetime",
    "$randomInt",
    "$processEnv",
    "$dotenv",
    "$env",
    "$random",
    "$aadToken",
];

/// Names that are given twice: requests within the folder, variables within a file.
pub(crate) fn names(joined: &[Joined<'_>], scopes: &[Scope<'_>], problems: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, String> = HashMap::new();
    for one in joined {
        let Some(name) = one.request.name() else {
            continue;
        };
        let source = &one.scope.file.source;
        let (line, _) = source.position(name.span.start);
        let place = format!("{}:{line}", source.path);
        if let Some(earlier) = first.get(name.value.as_str()) {
            problems.push(
                Diagnostic::new(source, name.span.clone())
                    .says(format!("the name `{}` is used twice", name.value))
                    .hint(format!(
                        "it is the name of the request at {earlier}; give one of the two another"
                    )),
            );
        } else {
            first.insert(&name.value, place);
        }
    }
    for scope in scopes {
        let mut seen = HashMap::new();
        for variable in &scope.file.variables {
            let (line, _) = scope.file.source.position(variable.name.span.start);
            if let Some(earlier) = seen.insert(&variable.name.value, line) {
                problems.push(
                    Diagnostic::new(&scope.file.source, variable.name.span.clone())
                        .says(format!(
                            "the variable `{}` is set twice",
                            variable.name.value
                        ))
                        .hint(format!(
                            "it has a value since line {earlier}, and one holds in the whole file"
                        )),
                );
            }
        }
    }
}

/// What the variables of a file refer to.
pub(crate) fn of_file(
    scope: &Scope<'_>,
    joined: &[&Joined<'_>],
    document: &Document,
    problems: &mut Vec<Diagnostic>,
) {
    let check = Check {
        scope,
        earlier: joined,
        later: &[],
        document,
    };
    for variable in &scope.file.variables {
        check.template(&variable.value, problems);
        if leads_to_itself(scope, &variable.name.value) {
            problems.push(
                Diagnostic::new(&scope.file.source, variable.name.span.clone())
                    .says(format!(
                        "the variable `{}` is made of itself",
                        variable.name.value
                    ))
                    .hint("give it a value that does not need it"),
            );
        }
    }
}

/// What the requests of a file refer to; `joined` are all of that file, in order.
pub(crate) fn of_requests(
    joined: &[&Joined<'_>],
    document: &Document,
    problems: &mut Vec<Diagnostic>,
) {
    for (index, one) in joined.iter().enumerate() {
        let (earlier, later) = joined.split_at(index);
        let check = Check {
            scope: one.scope,
            earlier,
            later,
            document,
        };
        for template in one.request.templates() {
            check.template(template, problems);
        }
    }
}

fn leads_to_itself(scope: &Scope<'_>, name: &str) -> bool {
    let variables = &scope.file.variables;
    let mut waiting = vec![name];
    let mut seen = Vec::new();
    while let Some(at) = waiting.pop() {
        let values = variables
            .iter()
            .filter(|variable| variable.name.value == at);
        for (expression, _) in values.flat_map(|variable| variable.value.expressions()) {
            if let Expression::Variable(next) = expression {
                if next == name {
                    return true;
                }
                if !seen.contains(&next.as_str()) {
                    seen.push(next);
                    waiting.push(next);
                }
            }
        }
    }
    false
}

struct Check<'a> {
    scope: &'a Scope<'a>,
    earlier: &'a [&'a Joined<'a>],
    later: &'a [&'a Joined<'a>],
    document: &'a Document,
}

impl Check<'_> {
    fn template(&self, template: &Template, problems: &mut Vec<Diagnostic>) {
        for piece in &template.pieces {
            if let Piece::Expression { span, expression } = piece {
                problems.extend(self.expression(expression, span));
            }
        }
    }

    fn expression(&self, expression: &Expression, span: &Span) -> Option<Diagnostic> {
        let problem = Diagnostic::new(&self.scope.file.source, span.clone());
        match expression {
            Expression::Variable(name) => {
                if self.scope.has_variable(name) {
                    return None;
                }
                let problem = problem.says(format!("there is no variable `{name}` in this file"));
                let closest = problem.clone().suggest(name, self.scope.variable_names());
                Some(if closest.hints.is_empty() {
                    problem.hint(format!(
                        "set it above: @{name} = value, or @{name} = {{{{$processEnv NAME}}}}"
                    ))
                } else {
                    closest
                })
            }
            Expression::System { name, .. } => {
                let base = name.split('.').next().unwrap_or_default();
                (!SYSTEM.contains(&base)).then(|| {
                    problem
                        .says(format!("there is no system variable `{name}`"))
                        .suggest(base, SYSTEM)
                })
            }
            Expression::Reference(reference) => self.reference(reference, problem),
            Expression::Other(text) => (!text.is_empty()).then(|| {
                problem.says(format!("`{text}` can't be understood")).hint(
                    "write a variable, or name.response.body.member, or name.response.headers.name",
                )
            }),
        }
    }

    fn reference(&self, reference: &Reference, problem: Diagnostic) -> Option<Diagnostic> {
        let name = reference.request.as_str();
        let is_it = |one: &&&Joined<'_>| one.name() == Some(name);
        let Some(target) = self.earlier.iter().rev().find(is_it) else {
            if self.later.iter().any(|one| is_it(&one)) {
                return Some(
                    problem
                        .says(format!("`{name}` is not sent before this request"))
                        .hint("requests are sent in the order of the file; move it up"),
                );
            }
            let problem = problem.says(format!("there is no request `{name}` in this file"));
            let names = self.earlier.iter().filter_map(|one| one.name());
            let closest = problem.clone().suggest(name, names);
            return Some(if closest.hints.is_empty() {
                problem.hint(format!(
                    "give it its name: # @name {name}; requests of other files can't be referred to"
                ))
            } else {
                closest
            });
        };
        let (Message::Response, Part::Body(steps)) = (reference.message, &reference.part) else {
            return None;
        };
        let schema = target.answer_schema(self.document)?;
        // As far as the schema goes: the first step that leads nowhere is told.
        for end in 1..=steps.len() {
            if self.document.reach(schema, &steps[..end]) != Reached::Nothing {
                continue;
            }
            let (wrong, holder) = (
                &steps[end - 1],
                self.document.reach(schema, &steps[..end - 1]),
            );
            let members = match holder {
                Reached::Schema(holder) => self.document.members(holder),
                _ => Vec::new(),
            };
            let crate::http::Step::Member(member) = wrong else {
                return Some(problem.says(format!("the answer of `{name}` has no list there")));
            };
            let problem = problem.says(format!(
                "the answer of `{name}` has no member `{member}` there"
            ));
            let closest = problem.clone().suggest(member, members.iter().copied());
            return Some(if closest.hints.is_empty() && !members.is_empty() {
                problem.hint(format!("it has {}", members.join(", ")))
            } else {
                closest
            });
        }
        None
    }
}
