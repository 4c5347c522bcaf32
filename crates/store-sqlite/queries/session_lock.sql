UPDATE upload_sessions
SET finalizing_at = ?2, updated_at = ?2
WHERE id = ?1
