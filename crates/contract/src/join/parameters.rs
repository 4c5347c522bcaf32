//! Values in the path and in the query.

use serde_json::Value;

use super::Joined;
use super::route::Target;
use crate::diagnostic::Diagnostic;
use crate::document::Document;
use crate::document::sample::kind;

/// Holds what is known of a request's parameters against what the operation takes.
pub(super) fn check(one: &Joined<'_>, document: &Document, problems: &mut Vec<Diagnostic>) {
    let Some(Target::Operation {
        operation,
        path_values,
        query,
    }) = &one.target
    else {
        return;
    };
    let parameters = document.parameters(operation);
    let of = |place: &'static str| {
        parameters
            .iter()
            .filter(move |it| it["in"] == place)
            .copied()
    };
    let at_url = || Diagnostic::new(&one.scope.file.source, one.request.url.span.clone());

    let names = operation.path.split(['{', '}']).skip(1).step_by(2);
    for (name, value) in names.zip(path_values) {
        let parameter = of("path").find(|it| it["name"] == name);
        problems.extend(
            parameter
                .and_then(|it| unfit(document, it, value))
                .map(|why| at_url().says(format!("{{{name}}} can't be `{value}`: {why}"))),
        );
    }
    for (name, value) in query {
        let Some(parameter) = of("query").find(|it| it["name"] == name.as_str()) else {
            let known: Vec<&str> = of("query").filter_map(|it| it["name"].as_str()).collect();
            let problem = at_url().says(format!("the operation has no query parameter `{name}`"));
            problems.push(if known.is_empty() {
                problem.hint("it has none at all")
            } else {
                problem.hint(format!("it has {}", known.join(", ")))
            });
            continue;
        };
        problems.extend(unfit(document, parameter, value).map(|why| {
            at_url().says(format!(
                "the query parameter `{name}` can't be `{value}`: {why}"
            ))
        }));
    }
    let is_query = |name: &Value| query.iter().any(|(given, _)| *name == given.as_str());
    for parameter in parameters.iter().filter(|it| it["required"] == true) {
        let name = &parameter["name"];
        let shown = name.as_str().unwrap_or_default();
        let is_there = match parameter["in"].as_str() {
            Some("query") => is_query(name),
            Some("header") => one.request.header(shown).is_some(),
            _ => true,
        };
        if !is_there {
            let place = parameter["in"].as_str().unwrap_or_default();
            problems.push(at_url().says(format!("the {place} parameter `{shown}` is missing")));
        }
    }
}

/// Why a value is not one of this parameter. What is filled in later is not judged.
fn unfit(document: &Document, parameter: &Value, value: &str) -> Option<String> {
    if value.contains('\u{e000}') {
        return None;
    }
    let mut schema = document.resolve(&parameter["schema"]);
    if kind(schema) == "array" {
        schema = document.resolve(&schema["items"]);
    }
    let typed = match kind(schema) {
        "integer" => value
            .parse::<i64>()
            .map_or_else(|_| value.into(), Value::from),
        "number" => value
            .parse::<f64>()
            .map_or_else(|_| value.into(), Value::from),
        "boolean" => value
            .parse::<bool>()
            .map_or_else(|_| value.into(), Value::from),
        _ => {
            let plain = value.replace("%3A", ":").replace("%3a", ":");
            Value::from(plain)
        }
    };
    let validator = super::body::validator(document, schema)?;
    let problem = validator.iter_errors(&typed).next();
    problem.map(|error| error.to_string())
}
