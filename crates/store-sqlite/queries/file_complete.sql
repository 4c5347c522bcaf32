UPDATE upload_session_files
SET status = 'completed', etag = ?2, file_url = ?3, updated_at = ?4, completed_at = ?4
WHERE id = ?1
