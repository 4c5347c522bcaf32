WITH pruned AS (
  DELETE FROM upload_session_analytics
  WHERE event_id IN (
    SELECT event_id
    FROM upload_session_analytics
    WHERE created_at < $1
    ORDER BY created_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
  )
  RETURNING 1
)
SELECT count(*) FROM pruned
