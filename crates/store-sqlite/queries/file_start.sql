UPDATE upload_session_files
SET status = 'uploading', updated_at = ?2
WHERE id = ?1
