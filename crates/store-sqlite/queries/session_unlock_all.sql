UPDATE upload_sessions
SET finalizing_at = NULL
WHERE finalizing_at IS NOT NULL AND status = 'active'
