-- With: upload_list.
-- $2 is now: the server's time unless given.
WITH failed AS (
  UPDATE upload_session_files
  SET status = 'failed', updated_at = coalesce($2, date_trunc('milliseconds', now()))
  WHERE session_id = ANY($1)
  RETURNING object_key, upload_id, registration_number
)
SELECT object_key, upload_id
FROM failed
ORDER BY registration_number
