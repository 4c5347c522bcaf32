//! About the requests and about how they are replayed, not about their answers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{annotations, contract_folder, lines, replay, server_for_replay, test_results};

#[test]
fn every_documented_route_has_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_for_replay(folder.path());
    let replay = replay(&server, &contract_folder());
    let document = &replay.requests["openapi"]["response"]["body"];
    let document: Value = serde_json::from_str(document.as_str().unwrap()).unwrap();
    let documented: BTreeSet<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            let methods = operations.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    assert!(documented.len() >= 12, "{documented:?}");

    let requested: BTreeSet<_> = replay
        .requests
        .values()
        .flat_map(test_results)
        .filter_map(|result| result["message"].as_str()?.strip_prefix("is documented: "))
        .filter_map(|operation| Some(operation.rsplit_once(' ')?.0.to_owned()))
        .collect();
    let missing: Vec<_> = documented.difference(&requested).collect();
    assert!(missing.is_empty(), "no request in __http__: {missing:#?}");
}

#[test]
fn names_and_test_ids_are_there_and_unique() {
    let titles = lines()
        .iter()
        .filter(|line| line.starts_with("### "))
        .count();
    assert!(titles > 100, "{titles}");
    for key in ["name", "testId"] {
        let values = annotations(key);
        assert_eq!(values.len(), titles, "@{key}");
        let unique: BTreeSet<_> = values.iter().collect();
        assert_eq!(unique.len(), values.len(), "@{key} is used twice");
    }
    let expectations = annotations("expect");
    assert_eq!(expectations.len(), titles, "@expect");
    for expectation in expectations {
        let (status, code) = match expectation.split_once(' ') {
            Some((status, code)) => (status, Some(code)),
            None => (expectation.as_str(), None),
        };
        let status: u16 = status.parse().unwrap();
        assert_eq!(status >= 400, code.is_some(), "@expect {expectation}");
    }
}

/// What all that is replayed relies on.
#[test]
fn an_answer_that_is_not_as_stated_or_not_documented_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let server = server_for_replay(folder.path());
    let contract = tempfile::tempdir().unwrap();
    let hooks = ".httpyac.js";
    std::fs::copy(contract_folder().join(hooks), contract.path().join(hooks)).unwrap();
    let requests = "
### A wrong status
# @name wrongStatus
# @expect 201
GET {{baseUrl}}/healthz

### A wrong error code
# @name wrongCode
# @expect 401 FORBIDDEN
GET {{baseUrl}}/api/mocs/uploads/sessions

### Not in the document
# @name undocumented
# @expect 404
GET {{baseUrl}}/nowhere

### Nobody answers
# @name unanswered
# @expect 200
GET http://127.0.0.1:1/

### States nothing
# @name unstated
GET {{baseUrl}}/healthz
";
    std::fs::write(contract.path().join("wrong.http"), requests).unwrap();

    let replay = replay(&server, contract.path());
    assert!(!replay.is_success);
    let expected = [
        "wrongStatus: \"answers 201\": Error: answered 200",
        "wrongCode: \"answers 401 FORBIDDEN\": Error: answered 401 UNAUTHORIZED",
        "undocumented: \"is documented\": Error: GET /nowhere is not in /openapi.json",
        "unanswered: \"connect ECONNREFUSED",
        "unstated: 1 checks instead of 2",
    ];
    assert_eq!(replay.failures.len(), expected.len(), "{replay:#?}");
    for (failure, start) in replay.failures.iter().zip(expected) {
        assert!(failure.starts_with(start), "{failure}");
    }
}
