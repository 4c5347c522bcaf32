UPDATE upload_sessions
SET storage_freed_at = ?2, updated_at = ?2
WHERE id = ?1 AND status IN ('expired', 'cancelled') AND storage_freed_at IS NULL
