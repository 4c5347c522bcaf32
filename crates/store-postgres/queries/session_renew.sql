-- $1 are sessions, $2 their locks' tokens, $3 is now: the server's time unless given, $4 is the lease.
-- A session that somebody else is changing right now is left to the next time.
WITH held AS MATERIALIZED (
  SELECT s.id
  FROM unnest($1::uuid[], $2::timestamptz[]) AS h(id, locked_at)
  JOIN upload_sessions AS s ON s.id = h.id AND s.finalizing_at = h.locked_at
  FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE upload_sessions AS s
SET finalize_lease_until = coalesce($3, date_trunc('milliseconds', now())) + $4::interval
FROM held
WHERE s.id = held.id
