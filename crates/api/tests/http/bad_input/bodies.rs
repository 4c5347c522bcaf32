//! Bodies that are wrong in any way.

use http::Method;
use moc_uploads_testkit::app::{LocalFile, SESSIONS, TestApp, create_body};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{World, any_json, any_name, check};
use crate::routes::ROUTES;

/// The routes that take JSON, each with a body that it takes.
fn json_routes(world: &World) -> Vec<(usize, Value)> {
    let file = LocalFile::pdf("b", 1).with("hash", "ab".repeat(16));
    let mut create = create_body(std::slice::from_ref(&file));
    create["fileHashes"] = json!([{ "key": "b", "size": 1, "hash": "ab".repeat(16) }]);
    create["allowDuplicates"] = json!(true);
    let finalize = json!({
        "uploadSessionId": world.session, "title": "Castle", "description": "d",
        "tags": ["t"], "theme": "th",
    });
    ROUTES
        .iter()
        .enumerate()
        .filter(|(_, (method, _))| *method == Method::POST)
        .map(|(index, (_, template))| {
            let body = match template.rsplit('/').next() {
                Some("sessions") => create.clone(),
                Some("files") => file.metadata.clone(),
                Some("batch") => json!({ "files": [file.metadata] }),
                Some("complete") => json!({ "parts": [{ "partNumber": 1, "etag": "x" }] }),
                _ => finalize.clone(),
            };
            (index, body)
        })
        .collect()
}

const JSON_ROUTE_COUNT: usize = 6;

#[test]
fn the_bodies_that_are_mutated_are_of_every_route() {
    let world = World::new();
    assert_eq!(json_routes(&world).len(), JSON_ROUTE_COUNT);
}

#[test]
fn any_json_will_do() {
    let strategy = (0..JSON_ROUTE_COUNT, any_json());
    check(200, strategy, |world, (route, body)| {
        let (index, _) = json_routes(world)[route];
        world.judge(world.call(index).json(&body)).map(drop)
    });
}

#[tokio::test]
async fn a_member_that_stands_twice_is_422_everywhere() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let file = LocalFile::pdf("a", 10);
    let id = alice.create_session(std::slice::from_ref(&file)).await;
    let remote = alice.register(&id, &file).await;
    let metadata = file.metadata.to_string();
    let twice = metadata.replacen('{', r#"{"ext":"pdf","#, 1);
    let title = format!(r#"{{"uploadSessionId":"{id}","title":"a","title":"b"}}"#);
    let part = r#"{"partNumber":1,"etag":"a","etag":"b"}"#;
    for (path, body) in [
        (format!("{SESSIONS}/{id}/files"), twice),
        (
            format!("{SESSIONS}/{id}/files/batch"),
            r#"{"files":[],"files":[]}"#.to_owned(),
        ),
        (
            format!("{}/complete", remote.path),
            format!(r#"{{"parts":[{part}]}}"#),
        ),
        (
            format!("{}/complete", remote.path),
            r#"{"parts":[],"parts":[]}"#.to_owned(),
        ),
        (format!("{SESSIONS}/finalize"), title),
    ] {
        let post = alice
            .post(path)
            .bytes(body)
            .header("content-type", "application/json");
        post.await.refused(422, "VALIDATION_ERROR");
    }
}

#[derive(Debug, Clone)]
enum Mutation {
    Replace(Value),
    Remove,
    Add(String, Value),
}

fn any_mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => any_json().prop_map(Mutation::Replace),
        1 => Just(Mutation::Remove),
        1 => (any_name(), any_json()).prop_map(|(name, value)| Mutation::Add(name, value)),
    ]
}

/// Changes the `target`-th value of the document, counted from the outside.
fn mutate(value: &mut Value, target: &mut usize, mutation: &Mutation) -> bool {
    if *target == 0 {
        match (mutation, &mut *value) {
            (Mutation::Replace(other), value) => *value = other.clone(),
            (Mutation::Add(name, other), Value::Object(members)) => {
                members.insert(name.clone(), other.clone());
            }
            (Mutation::Add(_, other), Value::Array(values)) => values.push(other.clone()),
            (_, value) => *value = Value::Null,
        }
        return true;
    }
    *target -= 1;
    match value {
        Value::Array(values) => values.iter_mut().any(|v| mutate(v, target, mutation)),
        Value::Object(members) => {
            let names: Vec<String> = members.keys().cloned().collect();
            for name in names {
                if *target == 0 && matches!(mutation, Mutation::Remove) {
                    members.remove(&name);
                    return true;
                }
                if members
                    .get_mut(&name)
                    .is_some_and(|v| mutate(v, target, mutation))
                {
                    return true;
                }
            }
            false
        }
        _ => false,
    }
}

#[test]
fn a_body_that_is_nearly_right_will_do() {
    let strategy = (
        0..JSON_ROUTE_COUNT,
        prop::collection::vec((0usize..14, any_mutation()), 1..3),
    );
    check(400, strategy, |world, (route, mutations)| {
        let (index, mut body) = json_routes(world).swap_remove(route);
        for (mut target, mutation) in mutations {
            mutate(&mut body, &mut target, &mutation);
        }
        world.judge(world.call(index).json(&body)).map(drop)
    });
}

#[test]
fn any_bytes_will_do() {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\",:0-9a-z\\\\ ]{0,80}".prop_map(String::into_bytes),
        (1usize..5000).prop_map(|depth| vec![b'['; depth]),
        (1usize..2000).prop_map(|depth| b"{\"files\":".repeat(depth)),
    ];
    check(150, (0..ROUTES.len(), bytes), |world, (route, bytes)| {
        let call = world.call(route).bytes(bytes);
        let is_delete = ROUTES[route].0 == Method::DELETE;
        if is_delete {
            return Ok(());
        }
        world
            .judge(call.header("content-type", "application/json"))
            .map(drop)
    });
}

#[tokio::test]
async fn a_refusal_is_short_whatever_was_sent() {
    let app = TestApp::new().await;
    let alice = app.user("alice");
    let long = "x".repeat(500_000);
    let mut file = LocalFile::pdf("a", 10).metadata;
    file["category"] = json!(long);
    let query = vec!["a=1"; 5000].join("&");
    for call in [
        alice.post(SESSIONS).json(&json!({ "files": [file] })),
        alice.post(SESSIONS).json(&json!({ "files": long })),
        alice
            .post(SESSIONS)
            .json(&json!({ "files": vec![json!({}); 1000] })),
        alice.get(format!("{SESSIONS}?{query}")),
        alice.get(format!("{SESSIONS}?limit={}", &long[..50_000])),
    ] {
        let response = call.await;
        response.refused(422, "VALIDATION_ERROR");
        assert!(
            response.body.len() < 64 * 1024,
            "{} bytes",
            response.body.len()
        );
    }
}

#[tokio::test]
async fn a_wrong_type_is_told_in_words_of_json() {
    let app = TestApp::new().await;
    for (size, said) in [
        (json!(-1), "integer `-1`, where a whole number"),
        (json!(1e20), "floating point `1e+20`, where a whole number"),
        (json!("1"), "string \"1\", where a whole number"),
    ] {
        let body = create_body(&[LocalFile::pdf("a", 10).with("size", size)]);
        let refused = app.user("alice").post(SESSIONS).json(&body).await;
        let problem = refused.refused(422, "VALIDATION_ERROR");
        assert_eq!(problem["errors"][0]["pointer"], "/files/0/size");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
        assert!(!message.contains("u64"), "{message}");
    }
}
