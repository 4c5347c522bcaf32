UPDATE upload_sessions
SET finalizing_at = ?2, finalize_lease_until = ?3, updated_at = ?2
WHERE id = ?1
