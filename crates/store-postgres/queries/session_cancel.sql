-- $3 is now: the server's time unless given.
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
    WHEN finalizing_at > now - $4::interval THEN 'finalizing'
    WHEN expires_at <= now THEN 'ended'
    ELSE 'open'
  END AS state
  FROM session
),
cancelled AS (
  UPDATE upload_sessions AS s
  SET status = 'cancelled', updated_at = j.now, cancelled_at = j.now
  FROM judged AS j
  WHERE s.id = j.id AND j.state = 'open'
)
SELECT
  j.id, j.user_id, j.status, j.part_size_bytes, j.created_at, j.expires_at,
  j.state
FROM judged AS j
