SELECT count(*) FROM upload_session_files WHERE session_id = ?1
