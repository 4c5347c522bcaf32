UPDATE upload_sessions
SET status = 'cancelled', updated_at = ?2, cancelled_at = ?2
WHERE id = ?1
