-- ?1 is a JSON array of session ids.
SELECT
  id, user_id, status, declared_file_count, declared_bytes, created_at, expires_at, cancelled_at,
  finalized_at, finalize_refusals
FROM upload_sessions
WHERE id IN (SELECT value FROM json_each(?1)) AND declared_files IS NOT NULL
