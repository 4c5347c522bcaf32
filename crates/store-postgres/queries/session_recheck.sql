-- $2 is now: the server's time unless given.
UPDATE upload_sessions
SET storage_rechecked_at = coalesce($2, date_trunc('milliseconds', now()))
WHERE id = $1 AND storage_freed_at IS NOT NULL AND storage_rechecked_at IS NULL
