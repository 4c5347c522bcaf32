-- With: part_correct, file_start.
-- $3 is now: the server's time unless given. $4 is an array of { part_number, etag, size_bytes,
-- uploaded_at, recorded_etag }. What was recorded in the meantime stays.
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
    WHEN file.upload_id IS DISTINCT FROM $5 THEN 'no_such_upload'
    ELSE 'open'
  END AS state
  FROM session
  LEFT JOIN file ON true
),
open AS MATERIALIZED (
  SELECT * FROM judged WHERE state = 'open'
),
held AS (
  SELECT open.file_id, part.*
  FROM open
  CROSS JOIN jsonb_to_recordset($4) AS part(
    part_number integer, etag text, size_bytes bigint, uploaded_at timestamptz, recorded_etag text
  )
),
added AS (
  INSERT INTO upload_session_parts (file_id, part_number, etag, size_bytes, uploaded_at)
  SELECT file_id, part_number, etag, size_bytes, uploaded_at
  FROM held
  WHERE recorded_etag IS NULL
  ON CONFLICT (file_id, part_number) DO NOTHING
),
corrected AS (
  UPDATE upload_session_parts AS p
  SET etag = held.etag, size_bytes = held.size_bytes, uploaded_at = held.uploaded_at
  FROM held
  WHERE p.file_id = held.file_id AND p.part_number = held.part_number AND p.etag = held.recorded_etag
),
started AS (
  UPDATE upload_session_files AS f
  SET status = 'uploading', updated_at = open.now
  FROM open
  WHERE f.id = open.file_id AND open.file_status = 'pending'
)
SELECT
  j.id, j.user_id, j.status, j.part_size_bytes, j.created_at, j.expires_at,
  j.state,
  NULL::timestamptz, NULL::timestamptz
FROM judged AS j
