UPDATE upload_sessions
SET finalizing_at = NULL, finalize_lease_until = NULL
WHERE finalizing_at IS NOT NULL AND status = 'active'
