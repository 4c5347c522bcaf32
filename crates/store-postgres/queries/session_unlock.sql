UPDATE upload_sessions
SET finalizing_at = NULL
WHERE id = $1 AND finalizing_at = $2 AND status = 'active'
