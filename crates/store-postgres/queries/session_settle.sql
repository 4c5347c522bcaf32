-- A session that is locked is looked at again later.
UPDATE upload_sessions
SET events_settled = true
WHERE id IN (
  SELECT id
  FROM upload_sessions
  WHERE id = ANY($1) AND status <> 'active' AND NOT events_settled
  FOR NO KEY UPDATE SKIP LOCKED
)
