-- $3 is why finalizing was refused, or NULL; $4 is now: the server's time unless given. The first
-- time is kept.
UPDATE upload_sessions
SET
  finalizing_at = NULL,
  finalize_refusals = CASE
    WHEN $3::text IS NULL THEN finalize_refusals
    ELSE jsonb_build_object(
      $3, floor(extract(epoch FROM coalesce($4, now())) * 1000)::bigint
    ) || coalesce(finalize_refusals, '{}')
  END
WHERE id = $1 AND finalizing_at = $2 AND status = 'active'
