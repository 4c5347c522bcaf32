-- With: part_forget.
-- $5 is now: the server's time unless given.
WITH session AS MATERIALIZED (
  SELECT s.id, s.status, s.expires_at, coalesce($5, date_trunc('milliseconds', now())) AS now
  FROM upload_sessions AS s
  WHERE s.id = $1
  FOR NO KEY UPDATE
),
restarted AS (
  UPDATE upload_session_files AS f
  SET upload_id = $4, status = 'pending', updated_at = session.now
  FROM session
  WHERE session.status = 'active'
    AND session.expires_at > session.now
    AND f.session_id = session.id
    AND f.id = $2
    AND f.upload_id = $3
    AND f.status IN ('pending', 'uploading')
  RETURNING f.id
)
SELECT id, forget_parts_of_file(id) FROM restarted
