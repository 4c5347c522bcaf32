//! Sessions and their events over the 90 days from 2025-01-01: created, four files registered and
//! completed, and finalized, or failed one time of ten. By hand, as anybody may write them.

use std::path::Path;

use crate::Result;

pub(super) const EVENTS_EACH: u32 = 10;

/// Of 90 days.
const RANGE_MS: u64 = 90 * 24 * 3600 * 1000;
/// 2025-01-01T00:00:00Z.
const BEGIN_MS: u64 = 1_735_689_600_000;

pub(super) const STALE_HOURS: &str = "SELECT count(DISTINCT hour) FROM analytics_stale_hours";

/// The events of each session are together, as they would have come.
pub(super) fn postgres(sessions: u32, users: u32) -> String {
    let each_ms = RANGE_MS / u64::from(sessions);
    format!(
        "INSERT INTO upload_sessions (id, user_id, status, expires_at, created_at)
         SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           'user-' || n % {users}, 'completed', now(),
           to_timestamp({BEGIN_MS} / 1000) + n * {each_ms} * interval '1 ms'
         FROM generate_series(0::bigint, {sessions} - 1) AS n;
         INSERT INTO upload_session_analytics (session_id, event_type, metadata, created_at)
         SELECT
           ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
           CASE
             WHEN k = 0 THEN 'session_created'
             WHEN k = 9 AND n % 10 = 0 THEN 'session_failed'
             WHEN k = 9 THEN 'session_finalized'
             WHEN k % 2 = 1 THEN 'file_registered'
             ELSE 'file_completed'
           END,
           jsonb_build_object(
             'user_id', 'user-' || n % {users},
             'file_count', CASE WHEN k IN (0, 9) THEN 4 ELSE 1 END,
             'total_size_bytes', 1000 + (n * 7919 + k * 104729) % 50000000,
             'elapsed_time_ms', CASE
               WHEN k = 9 THEN 60000
               WHEN k IN (2, 4, 6, 8) THEN exp(4 + (n * 7919 + k * 104729) % 10007 / 2000.0)::bigint
               ELSE 0
             END
           ) || CASE
             WHEN k BETWEEN 1 AND 8
               THEN jsonb_build_object('file_id', gen_random_uuid(), 'category', 'image')
             WHEN k = 9 AND n % 10 = 0
               THEN jsonb_build_object('failure_reason',
                 (ARRAY['SESSION_EXPIRED', 'CANCELLED', 'FILES_INCOMPLETE'])[1 + (n % 3)::integer])
             ELSE '{{}}'
           END,
           to_timestamp({BEGIN_MS} / 1000) + (n * {each_ms} + k * {each_ms} / 10) * interval '1 ms'
         FROM generate_series(0::bigint, {sessions} - 1) AS n
         CROSS JOIN generate_series(0, {EVENTS_EACH} - 1) AS k;
         ANALYZE"
    )
}

pub(super) fn sqlite(path: &Path, sessions: u32, users: u32) -> Result<()> {
    let each_ms = RANGE_MS / u64::from(sessions);
    let db = rusqlite::Connection::open(path)?;
    db.execute_batch(&format!(
        "BEGIN;
         WITH RECURSIVE r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {sessions} - 1)
         INSERT INTO upload_sessions (id, user_id, status, expires_at, created_at, updated_at)
         SELECT printf('00000000-0000-4000-8000-%012x', n), 'user-' || (n % {users}), 'completed', 0,
           {BEGIN_MS} + n * {each_ms}, 0
         FROM r;
         WITH RECURSIVE
         r(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM r WHERE n < {sessions} - 1),
         s(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM s WHERE k < {EVENTS_EACH} - 1)
         INSERT INTO upload_session_analytics
           (event_id, session_id, event_type, metadata, created_at)
         SELECT
           printf('00000000-0000-4000-9%03x-%012x', k, n),
           printf('00000000-0000-4000-8000-%012x', n),
           CASE
             WHEN k = 0 THEN 'session_created'
             WHEN k = 9 AND n % 10 = 0 THEN 'session_failed'
             WHEN k = 9 THEN 'session_finalized'
             WHEN k % 2 = 1 THEN 'file_registered'
             ELSE 'file_completed'
           END,
           json_patch(
             json_object(
               'user_id', 'user-' || (n % {users}),
               'file_count', CASE WHEN k IN (0, 9) THEN 4 ELSE 1 END,
               'total_size_bytes', 1000 + (n * 7919 + k * 104729) % 50000000,
               'elapsed_time_ms', CASE
                 WHEN k = 9 THEN 60000
                 WHEN k IN (2, 4, 6, 8) THEN 50 + (n * 7919 + k * 104729) % 10007
                 ELSE 0
               END
             ),
             CASE
               WHEN k BETWEEN 1 AND 8
                 THEN json_object('file_id', hex(randomblob(16)), 'category', 'image')
               WHEN k = 9 AND n % 10 = 0 THEN json_object('failure_reason', 'CANCELLED')
               ELSE '{{}}'
             END
           ),
           {BEGIN_MS} + n * {each_ms} + k * {each_ms} / 10
         FROM r CROSS JOIN s;
         COMMIT;
         ANALYZE;
         PRAGMA wal_checkpoint(TRUNCATE);"
    ))?;
    Ok(())
}
