UPDATE upload_sessions
SET storage_rechecked_at = ?2
WHERE id = ?1 AND storage_freed_at IS NOT NULL AND storage_rechecked_at IS NULL
