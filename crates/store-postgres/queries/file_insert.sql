-- With: file_count, file_exists, session_extend.
-- $2 is now: the server's time unless given. $4 is an array of files. The session's lock orders
-- concurrent registrations; what they did is read after it is held.
WITH session AS MATERIALIZED (
  SELECT s.*, coalesce($2, date_trunc('milliseconds', now())) AS now
  FROM upload_sessions AS s
  WHERE s.id = $1
  FOR NO KEY UPDATE
),
judged AS MATERIALIZED (
  SELECT session.*, CASE
    WHEN status <> 'active' OR expires_at <= now THEN 'closed'
    WHEN finalizing_at > now - $3::interval
      AND coalesce(finalize_lease_until > now, true) THEN 'finalizing'
    ELSE 'open'
  END AS state
  FROM session
),
open AS MATERIALIZED (
  SELECT * FROM judged WHERE state = 'open'
),
taken AS MATERIALIZED (
  SELECT f.file_key
  FROM open
  CROSS JOIN LATERAL files_of_session(open.id) AS f
),
asked AS MATERIALIZED (
  SELECT *
  FROM jsonb_to_recordset($4) AS a(
    position bigint, id uuid, key text, size_bytes bigint, hash text, category text, name text,
    content_type text, ext text, object_key text, upload_id text
  )
),
wanted AS MATERIALIZED (
  SELECT a.*, row_number() OVER (ORDER BY a.position) AS number
  FROM asked AS a
  WHERE NOT EXISTS (SELECT 1 FROM taken WHERE taken.file_key = a.key)
    AND NOT EXISTS (SELECT 1 FROM asked AS b WHERE b.key = a.key AND b.position < a.position)
),
registered AS (
  INSERT INTO upload_session_files (
    id, session_id, user_id, file_key, file_size_bytes, file_hash, category, file_name,
    content_type, ext, object_key, upload_id, created_at, updated_at
  )
  SELECT
    w.id, open.id, open.user_id, w.key, w.size_bytes, w.hash, w.category, w.name,
    w.content_type, w.ext, w.object_key, w.upload_id, open.now, open.now
  FROM wanted AS w
  CROSS JOIN open
  WHERE $5::bigint IS NULL OR w.number + (SELECT count(*) FROM taken) <= $5
  ORDER BY w.number
  RETURNING id, file_key
),
extended AS (
  UPDATE upload_sessions AS s
  SET expires_at = e.new_expires_at, updated_at = e.now
  FROM (
    SELECT
      open.id, open.now, open.expires_at AS old_expires_at,
      least(open.now + $7::interval, open.created_at + $8::interval) AS new_expires_at
    FROM open
    CROSS JOIN (SELECT count(*) AS file_count FROM registered) AS r
    WHERE r.file_count > 0 AND open.expires_at - $6::interval < open.now
  ) AS e
  WHERE s.id = e.id AND e.new_expires_at > e.old_expires_at
  RETURNING e.old_expires_at, e.new_expires_at
)
SELECT
  j.id, j.user_id, j.status, j.part_size_bytes, j.created_at, j.expires_at,
  j.state,
  e.old_expires_at, e.new_expires_at,
  (
    SELECT coalesce(array_agg(CASE
      WHEN r.id IS NOT NULL THEN 'registered'
      WHEN EXISTS (SELECT 1 FROM taken WHERE taken.file_key = a.key)
        OR EXISTS (SELECT 1 FROM registered WHERE registered.file_key = a.key) THEN 'key_taken'
      ELSE 'file_count_exceeded'
    END ORDER BY a.position), '{}')
    FROM asked AS a
    LEFT JOIN registered AS r ON r.id = a.id
  )
FROM judged AS j
LEFT JOIN extended AS e ON true
