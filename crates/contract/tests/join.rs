//! `.http` files and an OpenAPI document, joined: what comes of it, and everything that does not
//! fit.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use std::fs;

use moc_uploads_contract::{Error, Package, draft};
use serde_json::Value;

const OPENAPI: &str = include_str!("join/openapi.json");
const GOOD: &str = include_str!("join/good.http");

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// The draft of a folder with these files; errors name files as if they were in the folder `http`.
fn draft_of(files: &[(&str, &str)]) -> Result<Package, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let path = folder.path().to_string_lossy().into_owned();
    draft(folder.path(), document()).map_err(|error| error.to_string().replace(&path, "http"))
}

fn text<'a>(package: &'a Package, name: &str) -> &'a str {
    std::str::from_utf8(package.file(name).unwrap()).unwrap()
}

#[test]
fn a_contract_gives_operations_their_names_documentation_and_examples() {
    let package = draft_of(&[("good.http", GOOD)]).unwrap();
    let openapi = text(&package, "openapi.json");
    assert!(
        !openapi.contains("null"),
        "a member that was only looked for"
    );
    insta::assert_snapshot!("good-openapi", openapi);
    let readme = text(&package, "README.md");
    let operations = &readme[readme.find("## Operations").unwrap()..];
    insta::assert_snapshot!("good-readme", operations);
    assert!(text(&package, "package.json").contains("\"version\": \"1.2.3\""));
}

#[test]
fn the_same_contract_makes_the_same_bytes() {
    let once = draft_of(&[("good.http", GOOD)]).unwrap();
    assert_eq!(once, draft_of(&[("good.http", GOOD)]).unwrap());
}

#[test]
fn a_folder_without_http_files_is_an_error() {
    let message = draft_of(&[("README.md", "GET /books")]).unwrap_err();
    assert_eq!(message, "there is no .http file in http");
}

#[test]
fn a_document_of_another_version_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let document = serde_json::json!({ "swagger": "2.0" });
    let error = draft(folder.path(), document).unwrap_err();
    assert!(matches!(error, Error::Document(_)), "{error}");
}

/// One request of the good contract, changed.
#[track_caller]
fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    draft_of(&[("good.http", &GOOD.replace(from, to))]).unwrap_err()
}

/// A variable's value that is as long as what stands for it is not taken for text of the file.
#[test]
fn an_error_within_a_variable_is_told_where_the_variable_stands() {
    let file = "@éa = [1,}567\n\n###\nPOST /books\nContent-Type: application/json\n\n{ \"title\": {{éa}} }\n";
    let told = draft_of(&[("good.http", GOOD), ("more.http", file)]).unwrap_err();
    assert!(told.contains("more.http:7:12"), "{told}");
}

macro_rules! errors {
    ($($name:ident: $from:expr => $to:expr;)*) => {$(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), changed($from, $to));
        }
    )*};
}

errors! {
    a_route_that_is_misspelled: "PUT {{base}}/books/{{addBook.response.body.id}}/pages/1" => "PUT {{base}}/books/{{addBook.response.body.id}}/page/1";
    a_route_that_there_is_not: "GET {{base}}/health" => "GET {{base}}/what/ever";
    a_method_that_the_route_does_not_take: "GET {{base}}/health" => "DELETE {{base}}/health";
    a_variable_that_is_misspelled: "PUT {{base}}" => "PUT {{bsae}}";
    a_variable_that_there_is_not: "PUT {{base}}" => "PUT {{somewhere}}";
    a_system_variable_that_there_is_not: "{{$guid}}" => "{{$gid}}";
    an_expression_that_is_none: "{{$guid}}" => "{{a b}}";
    a_variable_that_is_set_twice: "@year = 1978\n" => "@year = 1978\n@year = 1979\n";
    a_variable_that_is_made_of_itself: "@year = 1978\n" => "@year = {{next}}\n@next = {{year}}\n";
    a_request_that_is_misspelled: "{{addBook.response.headers.location}}" => "{{addBok.response.headers.location}}";
    a_request_that_is_sent_later: "{ \"name\": \"Ole\" }" => "{ \"name\": \"{{getBook.response.body.title}}\" }";
    a_member_that_the_answer_has_not: "{{addBook.response.body.title}}" => "{{addBook.response.body.tilte}}";
    a_member_of_what_has_none: "{{addBook.response.body.title}}" => "{{addBook.response.body.title.text}}";
    a_body_of_the_wrong_type: "{{year}}" => "\"{{year}}\"";
    a_body_without_a_required_member: "{ \"name\": \"Ole\" }" => "{}";
    a_body_with_a_misspelled_member: "\"authors\"" => "\"autors\"";
    a_body_with_a_member_that_there_is_not: "\"authors\"" => "\"price\"";
    a_body_that_does_not_match: "{{addBook.response.body.isbn}}" => "\"978\"";
    a_body_that_is_no_json: "{{year}}," => "{{year}}";
    a_body_of_another_type: "Content-Type: application/octet-stream" => "Content-Type: text/plain";
    a_body_of_no_type: "Content-Type: application/octet-stream\n" => "";
    a_body_that_is_missing: "Once upon a time\n" => "";
    a_body_where_none_is_taken: "GET {{base}}/health\n" => "GET {{base}}/health\n\nhello\n";
    a_file_that_is_not_there: "Once upon a time\n" => "< ./page.txt\n";
    a_status_that_is_not_documented: "# @expect 204" => "# @expect 200";
    a_status_that_is_none: "# @expect 204" => "# @expect No Content";
    a_status_that_is_not_said: "# @expect 204" => "# @expect";
    a_code_that_there_is_not: "# @expect 409 CONFLICT" => "# @expect 409 CONFLIKT";
    a_query_parameter_that_there_is_not: "?limit=10" => "?limitt=10";
    a_query_parameter_that_does_not_fit: "?limit=10" => "?limit=1000";
    a_list_in_the_query_that_does_not_fit: "tag=new" => "tag=mew";
    a_path_parameter_that_does_not_fit: "/pages/1" => "/pages/0";
    a_name_that_is_used_twice: "# @name getBookAgain" => "# @name addBook";
    an_operation_without_a_request: "GET {{base}}/health\n" => "GET {{base}}/books\n";
    an_operation_that_is_only_refused: "# @expect 200" => "# @expect 401";
    an_operation_that_nothing_names: "# @name addBook\n" => "# @name first\n";
    an_operation_that_is_presented_twice: "# @name getBook\n" => "# @name getBook\n# @sdk readBook\n";
    two_operations_of_one_name: "# @sdk findBook" => "# @sdk putPage";
    a_name_that_no_function_can_have: "# @sdk findBook" => "# @sdk find-book";
    a_presenting_request_without_a_name: "# @name putPage\n" => "";
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let files = [
        ("a.http", "### Broken\nGTE https://example.com/\n"),
        ("b.http", "### Broken, too\nPOST\n"),
    ];
    let message = draft_of(&files).unwrap_err();
    assert!(message.contains("http/a.http:2:1"), "{message}");
    assert!(message.contains("http/b.http:2:1"), "{message}");
    assert!(message.ends_with("2 errors in the contract"), "{message}");

    let two = changed("# @expect 204\nPUT {{base}}", "# @expect 299\nPUT {{bsae}}");
    assert!(two.ends_with("2 errors in the contract"), "{two}");
}

#[test]
fn errors_of_both_kinds_are_told_at_once() {
    let wrong = GOOD.replace("# @expect 204", "# @expect 418");
    let files = [
        ("a.http", "### Broken\nGTE /books\n"),
        ("b.http", wrong.as_str()),
    ];
    let message = draft_of(&files).unwrap_err();
    assert!(message.contains("http/a.http:2:1"), "{message}");
    assert!(message.contains("documented to answer 418"), "{message}");
    assert!(message.ends_with("2 errors in the contract"), "{message}");
}

#[test]
fn names_are_unique_across_files() {
    let files = [
        ("a.http", GOOD),
        ("b.http", "### Up\n# @name addBook\nGET http://x/health\n"),
    ];
    let message = draft_of(&files).unwrap_err();
    insta::assert_snapshot!("names_across_files", message);
}
