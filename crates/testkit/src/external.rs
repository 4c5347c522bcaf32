//! Servers of another make that tests start.

/// Whether tests that need a server of another make are to be left out:
/// `MOC_TEST_SKIP_EXTERNAL=1`. Never in CI.
pub fn is_skipped() -> bool {
    std::env::var_os("MOC_TEST_SKIP_EXTERNAL").is_some_and(|value| value == "1")
}
