-- With: file_free, part_delete.
-- $2 is now: the server's time unless given.
WITH freed AS (
  UPDATE upload_sessions
  SET
    storage_freed_at = coalesce($2, date_trunc('milliseconds', now())),
    updated_at = coalesce($2, date_trunc('milliseconds', now()))
  WHERE id = $1 AND status IN ('expired', 'cancelled') AND storage_freed_at IS NULL
  RETURNING id, updated_at
),
failed AS (
  UPDATE upload_session_files AS f
  SET status = 'failed', file_url = NULL, updated_at = freed.updated_at
  FROM freed
  WHERE f.session_id = freed.id
)
DELETE FROM upload_session_parts AS p
USING freed, upload_session_files AS f
WHERE f.session_id = freed.id AND p.file_id = f.id
