//! Any bytes, joined with a document: made into an SDK or refused, never a panic.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use moc_uploads_contract::document::Document;
use moc_uploads_contract::draft_of;
use moc_uploads_contract::source::Source;

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let text = include_str!("../../tests/join/openapi.json");
    Document::new(serde_json::from_str(text).expect("a JSON text")).expect("an OpenAPI document")
});

fuzz_target!(|bytes: &[u8]| {
    let source = Source::from_bytes("file.http".to_owned(), bytes.to_vec());
    if let Err(error) = draft_of(vec![source], &DOCUMENT) {
        assert!(!error.to_string().is_empty());
    }
});
