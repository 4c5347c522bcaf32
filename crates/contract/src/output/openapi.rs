//! The OpenAPI document of the SDK: the server's types, the contract's operations.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::document::is_json;
use crate::join::{Contract, Presented, json_body};

/// The server's document with the operations of the contract alone, under their names there and
/// with their documentation and examples.
pub(crate) fn document(contract: &Contract<'_>) -> Value {
    let server = contract.document.value();
    let mut paths = Map::new();
    for presented in &contract.presented {
        let Some(operation) = contract.joined[presented.request].operation() else {
            continue;
        };
        let item = &mut paths
            .entry(&operation.path)
            .or_insert_with(|| shared(&server["paths"][&operation.path]));
        item[operation.method.to_ascii_lowercase()] = described(contract, presented);
    }
    let mut document = Map::new();
    for member in ["openapi", "info", "servers", "security"] {
        if let Some(value) = server.get(member) {
            document.insert(member.to_owned(), value.clone());
        }
    }
    let components = components(&server["components"], &paths);
    document.insert("paths".to_owned(), Value::Object(paths));
    document.insert("components".to_owned(), components);
    Value::Object(document)
}

/// What a path's operations have in common.
fn shared(item: &Value) -> Value {
    let mut shared = Map::new();
    for member in ["parameters", "servers"] {
        if let Some(value) = item.get(member) {
            shared.insert(member.to_owned(), value.clone());
        }
    }
    Value::Object(shared)
}

fn described(contract: &Contract<'_>, presented: &Presented) -> Value {
    let one = &contract.joined[presented.request];
    let Some(operation) = one.operation() else {
        return Value::Null;
    };
    let mut described = contract.document.operation(operation).clone();
    described["operationId"] = json!(presented.name);
    described["summary"] = json!(contract.summary(presented));
    let description = contract.description(presented);
    if !description.is_empty() {
        described["description"] = json!(description);
    }
    only_headers_carry_tokens(&mut described, &contract.document.value()["components"]);
    put_examples(contract, presented, &mut described);
    for refusal in contract.refusals(presented) {
        let place = format!("/responses/{}/description", refusal.status);
        if let Some(Value::String(text)) = described.pointer_mut(&place) {
            text.push_str("\n- ");
            text.push_str(refusal.title);
        }
    }
    described
}

/// Generated clients try every way of authentication with the one token that they have; in a URL
/// it would end up in logs.
fn only_headers_carry_tokens(operation: &mut Value, components: &Value) {
    let is_in_url = |name: &String| components["securitySchemes"][name]["in"] == "query";
    if let Some(Value::Array(ways)) = operation.get_mut("security")
        && ways.len() > 1
    {
        ways.retain(|way| !way.as_object().is_some_and(|way| way.keys().any(is_in_url)));
    }
}

/// The JSON bodies of the requests that are to succeed, by name.
fn put_examples(contract: &Contract<'_>, presented: &Presented, described: &mut Value) {
    let content = described.pointer_mut("/requestBody/content");
    let content = content.and_then(Value::as_object_mut);
    let Some((_, media)) = content.and_then(|it| it.iter_mut().find(|(media, _)| is_json(media)))
    else {
        return;
    };
    let mut examples = Map::new();
    for index in &presented.requests {
        let one = &contract.joined[*index];
        if let (true, Some(name), Some(body)) = (
            one.is_success(),
            one.name(),
            json_body(one, contract.document),
        ) {
            let title = one.request.title.as_ref().map_or("", |title| &title.value);
            examples.insert(
                name.to_owned(),
                json!({ "summary": title, "value": body.value }),
            );
        }
    }
    if !examples.is_empty() {
        media["examples"] = Value::Object(examples);
    }
}

/// Of the server's components those that the paths need, and those that these need.
fn components(server: &Value, paths: &Map<String, Value>) -> Value {
    let mut needed = BTreeSet::new();
    paths
        .values()
        .for_each(|item| references(item, &mut needed));
    let mut waiting: Vec<String> = needed.iter().cloned().collect();
    while let Some(name) = waiting.pop() {
        let mut more = BTreeSet::new();
        references(at(server, &name), &mut more);
        waiting.extend(more.into_iter().filter(|name| needed.insert(name.clone())));
    }
    let mut components = Map::new();
    for name in &needed {
        if let Some((kind, key)) = name.split_once('/') {
            let kind = components.entry(kind).or_insert_with(|| json!({}));
            kind[key] = at(server, name).clone();
        }
    }
    Value::Object(components)
}

fn at<'a>(components: &'a Value, name: &str) -> &'a Value {
    name.split_once('/')
        .map_or(&Value::Null, |(kind, key)| &components[kind][key])
}

/// Adds `schemas/Name` for every `$ref`, and the names of security schemes.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("$ref", Value::String(reference)) => {
                        found.extend(reference.strip_prefix("#/components/").map(str::to_owned));
                    }
                    ("security", Value::Array(ways)) => found.extend(
                        ways.iter()
                            .filter_map(Value::as_object)
                            .flat_map(Map::keys)
                            .map(|name| format!("securitySchemes/{name}")),
                    ),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| references(element, found)),
        _ => {}
    }
}
