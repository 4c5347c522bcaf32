-- With: file_get_status, part_restore, session_extend.
-- $3 is now: the server's time unless given. $6 is an array of { part_number, etag }; what parts have
-- now is read after the session's lock is held.
WITH session AS MATERIALIZED (
  SELECT s.*, coalesce($3, date_trunc('milliseconds', now())) AS now
  FROM upload_sessions AS s
  WHERE s.id = $1
  FOR NO KEY UPDATE
),
file AS MATERIALIZED (
  SELECT f.id, f.status
  FROM session
  JOIN upload_session_files AS f ON f.session_id = session.id
  WHERE f.id = $2
  FOR NO KEY UPDATE OF f
),
judged AS MATERIALIZED (
  SELECT session.*, file.id AS file_id, CASE
    WHEN session.status NOT IN ('active', 'completed') THEN 'closed'
    WHEN session.status = 'active' AND session.expires_at <= session.now THEN 'closed'
    WHEN file.status = 'completed' THEN 'file_completed'
    WHEN session.status = 'completed' THEN 'closed'
    WHEN file.id IS NULL THEN 'no_such_file'
    ELSE 'open'
  END AS state
  FROM session
  LEFT JOIN file ON true
),
open AS MATERIALIZED (
  SELECT * FROM judged WHERE state = 'open'
),
restored AS (
  UPDATE upload_session_parts AS p
  SET etag = r.etag
  FROM (
    SELECT part.file_id, part.part_number, joined.etag
    FROM open
    CROSS JOIN LATERAL parts_of_file(open.file_id) AS part
    JOIN jsonb_to_recordset($6) AS joined(part_number integer, etag text)
      ON joined.part_number = part.part_number AND joined.etag <> part.etag
  ) AS r
  WHERE p.file_id = r.file_id AND p.part_number = r.part_number
),
completed AS (
  UPDATE upload_session_files AS f
  SET status = 'completed', etag = $4, file_url = $5, updated_at = open.now, completed_at = open.now
  FROM open
  WHERE f.id = open.file_id
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
