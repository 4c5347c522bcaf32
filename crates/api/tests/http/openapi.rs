//! `GET /openapi.json` against the routes that are there (CONTRACT section 1).

use std::collections::{BTreeSet, HashSet};

use http::Method;
use moc_uploads_testkit::app::TestApp;
use serde_json::{Map, Value};

use crate::routes::{ROUTES, SYSTEM_ROUTES, filled};

async fn document(app: &TestApp) -> Value {
    app.anonymous()
        .get("/openapi.json")
        .await
        .expect(200)
        .json()
}

/// Every operation: path, method, what is said of it.
fn operations(document: &Value) -> Vec<(&str, Method, &Map<String, Value>)> {
    let paths = document["paths"].as_object().unwrap();
    let mut found = Vec::new();
    for (path, item) in paths {
        for (name, operation) in item.as_object().unwrap() {
            if let Ok(method) = name.to_uppercase().parse::<Method>()
                && let Some(operation) = operation.as_object()
                && operation.contains_key("responses")
            {
                found.push((path.as_str(), method, operation));
            }
        }
    }
    found
}

#[tokio::test]
async fn changes_are_seen() {
    let app = TestApp::new().await;
    insta::assert_json_snapshot!("openapi", document(&app).await);
}

#[tokio::test]
async fn is_the_document_that_the_crate_gives() {
    let app = TestApp::new().await;
    let given = serde_json::to_value(moc_uploads_api::openapi()).unwrap();
    assert_eq!(document(&app).await, given);
}

#[tokio::test]
async fn holds_every_route_of_the_contract() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let documented: HashSet<(String, String)> = operations(&document)
        .into_iter()
        .map(|(path, method, _)| (method.to_string(), path.to_owned()))
        .collect();
    let system = SYSTEM_ROUTES[..3].iter().map(|path| (Method::GET, *path));
    for (method, path) in ROUTES.into_iter().chain(system) {
        let route = (method.to_string(), path.to_owned());
        assert!(documented.contains(&route), "{route:?} of {documented:?}");
    }
}

#[tokio::test]
async fn holds_no_route_that_is_not_there_and_leaves_out_none_that_is() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    let operations = operations(&document);
    let paths: BTreeSet<&str> = operations.iter().map(|(path, ..)| *path).collect();
    let methods = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    for path in paths {
        for method in &methods {
            let is_documented = operations.iter().any(|(p, m, _)| *p == path && m == method);
            let target = filled(path).replace("{slug}", "not-found");
            let response = app.anonymous().call(method.clone(), target).await;
            let is_there = !matches!(response.status.as_u16(), 404 | 405);
            assert_eq!(is_there, is_documented, "{method} {path}: {response:?}");
        }
    }
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_says_what_it_does() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    let mut names = HashSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "{name} twice");
        let is_told = ["summary", "description"].iter().any(|member| {
            operation
                .get(*member)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty())
        });
        assert!(is_told, "{method} {path}");
    }
}

#[tokio::test]
async fn every_operation_tells_how_it_refuses() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    let mut at_all = 0;
    for (path, method, operation) in operations(&document) {
        if !path.starts_with("/api/") {
            continue;
        }
        at_all += 1;
        let responses = operation["responses"].as_object().unwrap();
        let mut expected = vec!["401", "500", "503"];
        if path.contains('{') {
            expected.push("404");
        }
        if method == Method::POST {
            expected.extend(["400", "422"]);
        }
        for status in expected {
            assert!(responses.contains_key(status), "{method} {path}: {status}");
        }
        assert!(responses.keys().any(|status| status.starts_with('2')));
        for (status, response) in responses
            .iter()
            .filter(|(status, _)| status.as_str() >= "400")
        {
            let response = resolved(&document, response);
            let content = &response["content"];
            assert!(
                content.get("application/problem+json").is_some(),
                "{method} {path}: {status}"
            );
        }
    }
    assert!(at_all >= ROUTES.len());
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some(), "{reference}");
    }
}

fn collect_references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|value| collect_references(value, found));
        }
        Value::Array(values) => {
            values
                .iter()
                .for_each(|value| collect_references(value, found));
        }
        _ => {}
    }
}
