-- With: file_get_status, file_start, session_extend.
-- $3 is now: the server's time unless given.
WITH session AS MATERIALIZED (
  SELECT s.*, coalesce($3, date_trunc('milliseconds', now())) AS now
  FROM upload_sessions AS s
  WHERE s.id = $1
  FOR NO KEY UPDATE
),
file AS MATERIALIZED (
  SELECT f.id, f.status, f.upload_id
  FROM session
  JOIN upload_session_files AS f ON f.session_id = session.id
  WHERE f.id = $2
  FOR NO KEY UPDATE OF f
),
judged AS MATERIALIZED (
  SELECT session.*, file.id AS file_id, file.status AS file_status, CASE
    WHEN session.status NOT IN ('active', 'completed') THEN 'closed'
    WHEN session.status = 'active' AND session.expires_at <= session.now THEN 'closed'
    WHEN file.status = 'completed' THEN 'file_completed'
    WHEN session.status = 'completed' THEN 'closed'
    WHEN file.id IS NULL THEN 'no_such_file'
    WHEN file.upload_id IS DISTINCT FROM $10 THEN 'no_such_upload'
    ELSE 'open'
  END AS state
  FROM session
  LEFT JOIN file ON true
),
open AS MATERIALIZED (
  SELECT * FROM judged WHERE state = 'open'
),
recorded AS (
  INSERT INTO upload_session_parts (file_id, part_number, etag, size_bytes, uploaded_at)
  SELECT open.file_id, $4::integer, $5, $6::bigint, open.now
  FROM open
  ON CONFLICT (file_id, part_number) DO UPDATE SET
    etag = excluded.etag,
    size_bytes = excluded.size_bytes,
    uploaded_at = excluded.uploaded_at
),
started AS (
  UPDATE upload_session_files AS f
  SET status = 'uploading', updated_at = open.now
  FROM open
  WHERE f.id = open.file_id AND open.file_status = 'pending'
),
extended AS (
  UPDATE upload_sessions AS s
  SET expires_at = e.new_expires_at, updated_at = e.now
  FROM (
    SELECT
      id, now, expires_at AS old_expires_at,
      least(now + $8::interval, created_at + $9::interval) AS new_expires_at
    FROM open
    WHERE expires_at - $7::interval < now
  ) AS e
  WHERE s.id = e.id AND e.new_expires_at > e.old_expires_at
  RETURNING e.old_expires_at, e.new_expires_at
)
SELECT
  j.id, j.user_id, j.status, j.part_size_bytes, j.created_at, j.expires_at,
  j.state,
  e.old_expires_at, e.new_expires_at
FROM judged AS j
LEFT JOIN extended AS e ON true
