-- With: daily_upload_prune.
WITH forgotten AS (
  DELETE FROM idempotency_keys
  WHERE created_at < $1
)
DELETE FROM user_daily_uploads
WHERE upload_date < ($1 AT TIME ZONE 'UTC')::date
