DELETE FROM upload_session_parts
WHERE file_id = ?1
