-- ?1 is a JSON array of session ids.
SELECT session_id, id, category, file_size_bytes, created_at, completed_at
FROM upload_session_files
WHERE session_id IN (SELECT value FROM json_each(?1))
