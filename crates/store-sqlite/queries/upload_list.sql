SELECT object_key, upload_id
FROM upload_session_files
WHERE session_id = ?1 AND object_key IS NOT NULL
ORDER BY rowid
