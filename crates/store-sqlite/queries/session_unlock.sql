-- ?3 is why finalizing was refused, or NULL; ?4 is now. The first time is kept.
UPDATE upload_sessions
SET
  finalizing_at = NULL,
  finalize_lease_until = NULL,
  finalize_refusals = CASE
    WHEN ?3 IS NULL THEN finalize_refusals
    ELSE json_insert(coalesce(finalize_refusals, '{}'), '$.' || ?3, ?4)
  END
WHERE id = ?1 AND finalizing_at = ?2 AND status = 'active'
