-- With: daily_upload_prune.
-- At most $2 of each; how many of which there were more. What another replica is at is left to it.
WITH forgotten AS (
  DELETE FROM idempotency_keys
  WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM idempotency_keys WHERE created_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
  ))
  RETURNING 1
),
uncounted AS (
  DELETE FROM user_daily_uploads
  WHERE ctid = ANY (ARRAY(
    SELECT ctid
    FROM user_daily_uploads
    WHERE upload_date < ($1 AT TIME ZONE 'UTC')::date
    LIMIT $2
    FOR UPDATE SKIP LOCKED
  ))
  RETURNING 1
)
SELECT greatest((SELECT count(*) FROM forgotten), (SELECT count(*) FROM uncounted))
