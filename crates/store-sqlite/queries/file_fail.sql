-- ?1 is a JSON array of session ids.
UPDATE upload_session_files
SET status = 'failed', updated_at = ?2
WHERE session_id IN (SELECT value FROM json_each(?1))
