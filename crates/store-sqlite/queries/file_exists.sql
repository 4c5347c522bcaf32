SELECT EXISTS (SELECT 1 FROM upload_session_files WHERE session_id = ?1 AND file_key = ?2)
