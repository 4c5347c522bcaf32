-- $3 is why finalizing was refused, or NULL; $4 is now: the server's time unless given. The first
-- time is kept.
WITH found AS MATERIALIZED (
  SELECT s.id, s.status, s.finalizing_at
  FROM upload_sessions AS s
  WHERE s.id = $1
  FOR NO KEY UPDATE
)
UPDATE upload_sessions AS s
SET
  finalizing_at = NULL,
  finalize_lease_until = NULL,
  finalize_refusals = CASE
    WHEN $3::text IS NULL THEN s.finalize_refusals
    ELSE jsonb_build_object(
      $3, floor(extract(epoch FROM coalesce($4, now())) * 1000)::bigint
    ) || coalesce(s.finalize_refusals, '{}')
  END
FROM found
WHERE s.id = found.id AND found.finalizing_at = $2 AND found.status = 'active'
