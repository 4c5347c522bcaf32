//! Which pair of stores a run is about.

/// `MOC_TEST_DATABASE=postgres`: PostgreSQL instead of SQLite.
pub(crate) fn asks_for_postgres() -> bool {
    is_asked_for("MOC_TEST_DATABASE", "postgres")
}

/// `MOC_TEST_OBJECTS=s3`: a bucket instead of a folder.
pub(crate) fn asks_for_s3() -> bool {
    is_asked_for("MOC_TEST_OBJECTS", "s3")
}

/// A pair other than the default one is chosen for a whole run: `./test` makes one of each.
///
/// # Panics
/// For any other value: a run that was meant for another pair is worse than none.
fn is_asked_for(variable: &str, value: &str) -> bool {
    let Some(asked_for) = std::env::var_os(variable).filter(|asked_for| !asked_for.is_empty())
    else {
        return false;
    };
    assert_eq!(asked_for, value, "{variable} can only be {value}");
    true
}
