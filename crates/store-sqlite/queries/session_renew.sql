UPDATE upload_sessions
SET finalize_lease_until = ?3
WHERE id = ?1 AND finalizing_at = ?2
