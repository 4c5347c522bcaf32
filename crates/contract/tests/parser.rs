//! The parser of `.http` files: what it reads, what it refuses, and that it does neither by panic.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

mod shown;

use std::fs;
use std::path::{Path, PathBuf};

use moc_uploads_contract::http::HttpFile;
use moc_uploads_contract::source::Source;
use proptest::prelude::*;

fn source(text: &str) -> Source {
    Source {
        path: "file.http".to_owned(),
        text: text.to_owned(),
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "http"))
        .collect();
    paths.sort();
    paths
}

#[test]
fn files_of_many_dialects_are_read() {
    let paths = files("tests/samples");
    assert!(paths.len() >= 10);
    for path in paths {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (file, problems) = HttpFile::parse(source(&text));
        assert!(problems.is_empty(), "{name}: {}", problems[0]);
        insta::assert_snapshot!(format!("sample-{name}"), shown::file(&file));
    }
}

#[test]
fn broken_files_are_explained() {
    for path in files("tests/broken") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let shown_path = format!("broken/{name}.http");
        let problems = match Source::from_bytes(shown_path, fs::read(&path).unwrap()) {
            Ok(source) => HttpFile::parse(source).1,
            Err(problem) => vec![*problem],
        };
        assert!(!problems.is_empty(), "{name} has nothing wrong");
        let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(format!("broken-{name}"), shown.join("\n\n"));
    }
}

#[test]
fn every_file_prints_back() {
    let own = files("../../__http__");
    assert!(!own.is_empty());
    let all = own
        .into_iter()
        .chain(files("tests/samples"))
        .chain(files("tests/broken"));
    for path in all {
        if let Ok(text) = fs::read_to_string(&path) {
            let (file, _) = HttpFile::parse(source(&text));
            assert_eq!(file.to_string(), text, "{}", path.display());
        }
    }
}

#[test]
fn the_place_of_an_error_counts_characters() {
    let (_, problems) = HttpFile::parse(source("\u{feff}GET https://example.com/ä/{{id\r\n"));
    let places: Vec<_> = problems.iter().map(|it| (it.line, it.column)).collect();
    assert_eq!(places, [(1, 27)]);
}

/// Lines that mean something, to be put together at random.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("###".to_owned()),
        Just("### title".to_owned()),
        Just("# @name one".to_owned()),
        Just("// comment".to_owned()),
        Just("@a = {{b}}".to_owned()),
        Just("GET https://example.com/{{a}} HTTP/1.1".to_owned()),
        Just("POST /x".to_owned()),
        Just("  &more=1".to_owned()),
        Just("Name: value".to_owned()),
        Just("  folded".to_owned()),
        Just(String::new()),
        Just("{ \"a\": {{one.response.body.a[0]}} }".to_owned()),
        Just("< ./file".to_owned()),
        Just("<@".to_owned()),
        Just("> {%".to_owned()),
        Just("%}".to_owned()),
        Just(">> out".to_owned()),
        Just("{{".to_owned()),
        "\\PC{0,12}",
        any::<String>(),
    ];
    let end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r"), Just("")];
    prop::collection::vec((line, end), 0..24)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + end).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_text_is_read_without_a_panic_and_prints_back(text in lines()) {
        let (file, problems) = HttpFile::parse(source(&text));
        prop_assert_eq!(file.to_string(), text);
        for problem in &problems {
            prop_assert!(!problem.message.is_empty());
            prop_assert!(problem.to_string().contains("file.http"));
        }
        for request in &file.requests {
            prop_assert!(file.source.text.is_char_boundary(request.url.span.start));
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        match Source::from_bytes("file.http".to_owned(), bytes) {
            Ok(source) => drop(HttpFile::parse(source)),
            Err(problem) => prop_assert!(problem.to_string().contains("UTF-8")),
        }
    }
}
