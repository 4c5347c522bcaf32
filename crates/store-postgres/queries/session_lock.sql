-- $3 is the lock's token, $4 is now: the server's time unless given, $6 is the lease. A row for each file, one of
-- nothing but the session where there is none or the lock is not ours.
WITH session AS MATERIALIZED (
  SELECT s.*, coalesce($4, date_trunc('milliseconds', now())) AS now
  FROM upload_sessions AS s
  WHERE s.id = $1 AND s.user_id = $2
  FOR NO KEY UPDATE
),
judged AS MATERIALIZED (
  SELECT session.*, CASE
    WHEN status = 'active'
      AND finalizing_at > now - $5::interval
      AND coalesce(finalize_lease_until > now, true) THEN 'finalizing'
    WHEN status <> 'active' OR expires_at <= now THEN 'closed'
    ELSE 'open'
  END AS state
  FROM session
),
open AS MATERIALIZED (
  SELECT * FROM judged WHERE state = 'open'
),
locked AS (
  UPDATE upload_sessions AS s
  SET finalizing_at = $3, finalize_lease_until = open.now + $6::interval, updated_at = open.now
  FROM open
  WHERE s.id = open.id
)
SELECT
  j.id, j.user_id, j.status, j.part_size_bytes, j.created_at, j.expires_at,
  j.state,
  j.moc_id,
  f.id, f.session_id, f.file_key, f.category, f.file_name, f.file_size_bytes, f.content_type, f.ext,
  f.file_hash, f.status, f.object_key, f.upload_id, f.file_url, f.etag, f.created_at, f.updated_at
FROM judged AS j
LEFT JOIN open ON true
LEFT JOIN LATERAL files_of_session(open.id) AS f ON true
ORDER BY f.registration_number
