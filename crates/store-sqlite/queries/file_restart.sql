UPDATE upload_session_files
SET upload_id = ?3, status = 'pending', updated_at = ?4
WHERE id = ?1 AND upload_id = ?2
