//! What the tables say, and which events there are, each as a line: session, type, and the file or
//! the reason.

use std::path::PathBuf;

use moc_uploads_testkit::postgres::Database;
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

pub(crate) enum Tables<'a> {
    Sqlite(PathBuf),
    Postgres(&'a Database),
}

impl Tables<'_> {
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(database) => database.url(),
        }
    }

    /// Sorted.
    pub(crate) fn expected(&self) -> Vec<String> {
        self.lines(EXPECTED)
    }

    /// Sorted.
    pub(crate) fn events(&self) -> Vec<String> {
        self.lines(EVENTS)
    }

    fn lines(&self, sql: &str) -> Vec<String> {
        let mut lines: Vec<String> = match self {
            Self::Sqlite(path) => {
                let db = rusqlite::Connection::open(path).unwrap();
                let mut statement = db.prepare(sql).unwrap();
                let rows = statement.query_map([], |row| row.get(0)).unwrap();
                rows.collect::<Result<_, _>>().unwrap()
            }
            Self::Postgres(database) => {
                let lines = database.psql(sql);
                // An output loses the white space at its end.
                let line = |line: &str| match line.split(' ').count() {
                    2 => format!("{line} "),
                    _ => line.to_owned(),
                };
                lines.lines().map(line).collect()
            }
        };
        lines.sort_unstable();
        lines
    }
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
