SELECT EXISTS (SELECT 1 FROM upload_sessions WHERE id = ?1)
