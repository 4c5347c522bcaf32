UPDATE upload_sessions
SET status = 'expired', updated_at = ?1
WHERE rowid IN (
  SELECT rowid
  FROM upload_sessions
  WHERE status = 'active'
    AND expires_at <= ?1
    AND (finalizing_at IS NULL OR finalizing_at <= ?2 OR finalize_lease_until <= ?1)
  ORDER BY expires_at
  LIMIT ?3
)
RETURNING id, user_id, status, part_size_bytes, created_at, expires_at
