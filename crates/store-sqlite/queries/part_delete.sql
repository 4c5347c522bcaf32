DELETE FROM upload_session_parts
WHERE file_id IN (SELECT id FROM upload_session_files WHERE session_id = ?1)
