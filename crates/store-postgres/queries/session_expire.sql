-- With: file_fail.
-- $1 is now: the server's time unless given.
WITH clock AS MATERIALIZED (
  SELECT coalesce($1, date_trunc('milliseconds', now())) AS now
),
due AS MATERIALIZED (
  SELECT s.id
  FROM upload_sessions AS s
  WHERE s.status = 'active'
    AND s.expires_at <= (SELECT now FROM clock)
    AND (
      s.finalizing_at IS NULL
      OR s.finalizing_at <= (SELECT now FROM clock) - $2::interval
      OR s.finalize_lease_until <= (SELECT now FROM clock)
    )
  ORDER BY s.expires_at
  LIMIT $3
  FOR NO KEY UPDATE SKIP LOCKED
),
expired AS (
  UPDATE upload_sessions AS s
  SET status = 'expired', updated_at = clock.now
  FROM due
  CROSS JOIN clock
  WHERE s.id = due.id
  RETURNING s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at, s.updated_at
)
SELECT
  e.id, e.user_id, e.status, e.part_size_bytes, e.created_at, e.expires_at,
  f.file_count
FROM expired AS e
CROSS JOIN LATERAL (
  SELECT count(*) AS file_count FROM fail_files_of_session(e.id, e.updated_at)
) AS f
