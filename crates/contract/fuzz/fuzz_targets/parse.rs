//! Any bytes: read or refused, never a panic; what is read prints back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use moc_uploads_contract::http::HttpFile;
use moc_uploads_contract::source::Source;

fuzz_target!(|bytes: &[u8]| {
    match Source::from_bytes("file.http".to_owned(), bytes.to_vec()) {
        Ok(source) => {
            let text = source.text.clone();
            let (file, problems) = HttpFile::parse(source);
            assert_eq!(file.to_string(), text);
            for problem in problems {
                assert!(!problem.to_string().is_empty());
            }
        }
        Err(problem) => assert!(!problem.to_string().is_empty()),
    }
});
