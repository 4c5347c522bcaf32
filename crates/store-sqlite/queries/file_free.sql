UPDATE upload_session_files
SET status = 'failed', file_url = NULL, updated_at = ?2
WHERE session_id = ?1
