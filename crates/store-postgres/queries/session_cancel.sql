-- With: file_fail, upload_list.
-- $3 is now: the server's time unless given. A row for each file that fails, one of nothing but the
-- session where there is none.
WITH session AS MATERIALIZED (
  SELECT s.*, coalesce($3, date_trunc('milliseconds', now())) AS now
  FROM upload_sessions AS s
  WHERE s.id = $1 AND s.user_id = $2
  FOR NO KEY UPDATE
),
judged AS MATERIALIZED (
  SELECT session.*, CASE
    WHEN status = 'completed' THEN 'completed'
    WHEN status <> 'active' THEN 'ended'
    WHEN finalizing_at > now - $4::interval
      AND coalesce(finalize_lease_until > now, true) THEN 'finalizing'
    WHEN expires_at <= now THEN 'ended'
    ELSE 'open'
  END AS state
  FROM session
),
open AS MATERIALIZED (
  SELECT * FROM judged WHERE state = 'open'
),
cancelled AS (
  UPDATE upload_sessions AS s
  SET status = 'cancelled', updated_at = open.now, cancelled_at = open.now
  FROM open
  WHERE s.id = open.id
)
SELECT
  j.id, j.user_id, j.status, j.part_size_bytes, j.created_at, j.expires_at,
  j.state,
  f.object_key, f.upload_id
FROM judged AS j
LEFT JOIN open ON true
LEFT JOIN LATERAL fail_files_of_session(open.id, open.now) AS f ON true
ORDER BY f.registration_number
