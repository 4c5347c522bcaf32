//! Requests as TypeScript that calls the SDK.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use serde_json::Value;

use super::typescript::{Code, Names, literal, text};
use crate::document::sample::kind;
use crate::http::{BodyPart, Expression, Part};
use crate::join::expand::{Expanded, Mode};
use crate::join::route::Target;
use crate::join::{Contract, Joined, Presented, json_body};

/// What the SDK's package is called.
pub(crate) const PACKAGE: &str = "@moc-uploads/upload-sessions";

/// A program that sends the request which presents an operation, after those that it needs.
pub(crate) fn program(contract: &Contract<'_>, presented: &Presented) -> String {
    let functions: HashMap<_, _> = contract
        .presented
        .iter()
        .filter_map(|it| Some((contract.joined[it.request].operation()?, it.name.as_str())))
        .map(|(operation, name)| ((&operation.path, &operation.method), name))
        .collect();
    let function = |index: usize| {
        let operation = contract.joined[index].operation()?;
        functions
            .get(&(&operation.path, &operation.method))
            .copied()
    };
    let mut imports = BTreeSet::new();
    let mut names = Names::default();
    let mut calls = String::new();
    let chain = chain(contract, presented.request);
    for (position, &index) in chain.iter().enumerate() {
        let one = &contract.joined[index];
        let Some(function) = function(index) else {
            continue;
        };
        imports.insert(function);
        let options = options(contract, one, &names);
        let later: Vec<&Joined<'_>> = chain[position + 1..]
            .iter()
            .map(|index| &contract.joined[*index])
            .collect();
        let (mut wants_body, wants_headers) = wanted(one, &later);
        wants_body |= later.is_empty();
        let answer = answer_name(contract, one, function);
        let held = answer
            .filter(|_| wants_body || wants_headers)
            .map(|answer| {
                let (data, response) = names.answer(one.name().unwrap_or_default(), &answer);
                match (wants_body, wants_headers) {
                    (true, false) => format!("data: {data}"),
                    (false, _) => format!("response: {response}"),
                    (true, true) => format!("data: {data}, response: {response}"),
                }
            });
        let held = held.map_or(String::new(), |held| format!("const {{ {held} }} = "));
        // Writing to a string can't fail.
        let _ = writeln!(calls, "{held}await {function}({options});");
    }
    let imports: Vec<&str> = imports.into_iter().collect();
    let files = if calls.contains("openAsBlob(") {
        "import { openAsBlob } from 'node:fs';\n"
    } else {
        ""
    };
    format!(
        "{files}import {{ {} }} from '{PACKAGE}';\n\n{calls}",
        imports.join(", ")
    )
}

/// The requests that one needs, in order, itself last: those it refers to, and the earlier ones that
/// change what these have made (a file must have its parts before it can be completed).
fn chain(contract: &Contract<'_>, last: usize) -> Vec<usize> {
    let of_file: Vec<usize> = (0..last)
        .filter(|index| std::ptr::eq(contract.joined[*index].scope, contract.joined[last].scope))
        .collect();
    let named = |name: &str| {
        let is_it = |index: &&usize| contract.joined[**index].name() == Some(name);
        of_file.iter().rev().find(is_it).copied()
    };
    let closure = |index: usize| {
        let mut found = BTreeSet::new();
        let mut waiting = vec![index];
        while let Some(index) = waiting.pop() {
            for name in references(&contract.joined[index]) {
                waiting.extend(named(name).filter(|index| found.insert(*index)));
            }
        }
        found
    };
    let mut needed = closure(last);
    let mut targets = BTreeSet::new();
    for &index in &of_file {
        let one = &contract.joined[index];
        let changes =
            one.is_success() && one.operation().is_some() && one.request.method.value != "GET";
        let theirs = closure(index);
        let mut is_first = || targets.insert((target(one), one.request.method.value.clone()));
        if changes
            && theirs.iter().any(|index| needed.contains(index))
            && (is_first() || needed.contains(&index))
        {
            needed.insert(index);
            needed.extend(theirs);
        }
    }
    needed.insert(last);
    needed.into_iter().collect()
}

/// The URL as it is written: two requests of one target differ in what they send.
fn target(one: &Joined<'_>) -> String {
    let source = &one.scope.file.source;
    let pieces = one.request.url.pieces.iter().map(|piece| match piece {
        crate::http::Piece::Text(span) | crate::http::Piece::Expression { span, .. } => {
            source.slice(span)
        }
    });
    let body = one.request.body.first().and_then(|part| match part {
        BodyPart::Text(template) if one.request.method.value == "POST" => {
            Some(source.slice(&template.span))
        }
        _ => None,
    });
    pieces.chain(body).collect()
}

/// Names of the requests that one refers to.
fn references<'a>(one: &Joined<'a>) -> impl Iterator<Item = &'a str> {
    unknowns(one)
        .into_iter()
        .filter_map(|expression| match expression {
            Expression::Reference(reference) => Some(reference.request.as_str()),
            _ => None,
        })
}

/// What is filled into a request when it is sent, through variables, too. Tokens are the client's
/// matter.
fn unknowns<'a>(one: &Joined<'a>) -> Vec<&'a Expression> {
    one.request
        .templates()
        .flat_map(|template| Expanded::new(one.scope, [template], Mode::Plain).unknowns)
        .map(|unknown| unknown.expression)
        .collect()
}

/// Whether later requests refer to the body of one's answer, and to its headers.
fn wanted(one: &Joined<'_>, later: &[&Joined<'_>]) -> (bool, bool) {
    let unknowns = later.iter().flat_map(|it| unknowns(it));
    let mut wanted = (false, false);
    for expression in unknowns {
        if let Expression::Reference(reference) = expression
            && Some(reference.request.as_str()) == one.name()
        {
            match reference.part {
                Part::Body(_) => wanted.0 = true,
                Part::Header(_) => wanted.1 = true,
            }
        }
    }
    wanted
}

/// After the type of the answer: `createdSession`.
fn answer_name(contract: &Contract<'_>, one: &Joined<'_>, function: &str) -> Option<String> {
    let operation = one.operation()?;
    let status = one.status(contract.document)?;
    let response = contract.document.response(operation, status)?;
    response["content"].as_object()?;
    let reference = one
        .answer_schema(contract.document)
        .and_then(|schema| schema["$ref"].as_str())
        .and_then(|reference| reference.rsplit('/').next());
    let Some(name) = reference else {
        let is_json = one.answer_schema(contract.document).is_some();
        return Some(if is_json {
            format!("{function}Answer")
        } else {
            "content".to_owned()
        });
    };
    let mut letters = name.chars();
    let first = letters.next()?.to_ascii_lowercase();
    Some(std::iter::once(first).chain(letters).collect())
}

/// `{ path: { ... }, body: { ... }, throwOnError: true }`.
fn options(contract: &Contract<'_>, one: &Joined<'_>, names: &Names) -> String {
    let mut code = Code::object();
    let Some(Target::Operation {
        operation,
        path_values,
        query,
    }) = &one.target
    else {
        return code.finish();
    };
    let parameters = contract.document.parameters(operation);
    let value = |place: &str, name: &str, value: &str, expanded: &Expanded<'_>| {
        let parameter = parameters
            .iter()
            .find(|it| it["in"] == place && it["name"] == name)?;
        let schema = contract.document.resolve(&parameter["schema"]);
        let is_number =
            matches!(kind(schema), "integer" | "number") && value.parse::<f64>().is_ok();
        Some(if is_number {
            value.to_owned()
        } else {
            text(value, expanded, names)
        })
    };
    let url = Expanded::new(one.scope, [&one.request.url], Mode::Plain);
    let mut path = Code::object();
    let path_names = operation.path.split(['{', '}']).skip(1).step_by(2);
    for (name, given) in path_names.zip(path_values) {
        path.member(name, value("path", name, given, &url).unwrap_or_default());
    }
    code.member_unless_empty("path", path);

    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, given) in query {
        by_name
            .entry(name)
            .or_default()
            .extend(value("query", name, given, &url));
    }
    let mut in_query = Code::object();
    for (name, values) in by_name {
        let parameter = parameters
            .iter()
            .find(|it| it["in"] == "query" && it["name"] == name);
        let is_list =
            parameter.is_some_and(|it| kind(contract.document.resolve(&it["schema"])) == "array");
        let values = values.join(", ");
        in_query.member(
            name,
            if is_list {
                format!("[{values}]")
            } else {
                values
            },
        );
    }
    code.member_unless_empty("query", in_query);

    let mut headers = Code::object();
    for header in &one.request.headers {
        let expanded = Expanded::new(one.scope, [&header.value], Mode::Plain);
        let name = &header.name.value;
        if let Some(value) = value("header", name, &expanded.text, &expanded) {
            headers.member(name, value);
        }
    }
    code.member_unless_empty("headers", headers);
    if let Some(body) = body(contract, one, names) {
        code.member("body", body);
    }
    code.member("throwOnError", "true".to_owned());
    code.finish()
}

fn body(contract: &Contract<'_>, one: &Joined<'_>, names: &Names) -> Option<String> {
    let part = one.request.body.first()?;
    if let Some(body) = json_body(one, contract.document) {
        let templates = one.request.body.iter().filter_map(|part| match part {
            BodyPart::Text(template) => Some(template),
            BodyPart::File { .. } => None,
        });
        let expanded = Expanded::new(one.scope, templates, Mode::Json);
        return Some(literal(&body.written, &expanded, names));
    }
    Some(match part {
        BodyPart::Text(template) => {
            let expanded = Expanded::new(one.scope, [template], Mode::Plain);
            format!("new Blob([{}])", text(&expanded.text, &expanded, names))
        }
        BodyPart::File { path, .. } => {
            let path = path.as_text(&one.scope.file.source)?;
            let name = path.rsplit('/').next().unwrap_or_default();
            format!("await openAsBlob({})", text_literal(name))
        }
    })
}

fn text_literal(value: &str) -> String {
    super::typescript::string(&Value::from(value))
}
