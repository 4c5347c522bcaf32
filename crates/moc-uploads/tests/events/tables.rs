//! What the tables say, and which events there are, each as a line: session, type, and the file or
//! the reason.

use moc_uploads_testkit::server::Stores;
use serde_json::Value;

const EXPECTED: &str = "
    SELECT CAST(id AS TEXT) || ' session_created ' FROM upload_sessions
    UNION ALL
    SELECT CAST(session_id AS TEXT) || ' file_registered ' || CAST(id AS TEXT)
    FROM upload_session_files
    UNION ALL
    SELECT CAST(session_id AS TEXT) || ' file_completed ' || CAST(id AS TEXT)
    FROM upload_session_files WHERE status = 'completed' OR completed_at IS NOT NULL
    UNION ALL
    SELECT CAST(id AS TEXT) || ' session_finalized '
    FROM upload_sessions WHERE status = 'completed'
    UNION ALL
    SELECT CAST(id AS TEXT) || ' session_failed CANCELLED'
    FROM upload_sessions WHERE status = 'cancelled'
    UNION ALL
    SELECT CAST(id AS TEXT) || ' session_failed FILES_INCOMPLETE'
    FROM upload_sessions WHERE CAST(finalize_refusals AS TEXT) LIKE '{\"FILES_INCOMPLETE\":%}'";

const EVENTS: &str = "
    SELECT CAST(session_id AS TEXT) || ' ' || event_type || ' ' ||
      coalesce(metadata ->> 'file_id', metadata ->> 'failure_reason', '')
    FROM upload_session_analytics";

/// Sorted.
pub(crate) fn expected(stores: &Stores) -> Vec<String> {
    lines(stores, EXPECTED)
}

/// Sorted.
pub(crate) fn events(stores: &Stores) -> Vec<String> {
    lines(stores, EVENTS)
}

fn lines(stores: &Stores, sql: &str) -> Vec<String> {
    let lines = stores.sql(sql);
    // An output may lose the white space at its end.
    let mut lines: Vec<_> = lines
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.sort_unstable();
    lines
}

/// How many of each type, as a report has it.
pub(crate) fn counts(lines: &[String]) -> Value {
    let types = [
        "session_created",
        "file_registered",
        "file_completed",
        "session_finalized",
        "session_failed",
    ];
    let count = |wanted: &str| {
        let is_wanted = |line: &&String| line.split(' ').nth(1) == Some(wanted);
        lines.iter().filter(is_wanted).count()
    };
    types
        .map(|wanted| (wanted, count(wanted)))
        .into_iter()
        .collect()
}
