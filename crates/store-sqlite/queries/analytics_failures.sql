SELECT
  coalesce(CASE WHEN json_valid(metadata) AND json_type(metadata, '$.failure_reason') = 'text'
    THEN json_extract(metadata, '$.failure_reason') END, 'UNKNOWN'),
  count(*)
FROM upload_session_analytics
WHERE created_at >= ?1 AND created_at < ?2
  AND +event_type = 'session_failed'
  AND (?3 IS NULL OR session_id IN (SELECT s.id FROM upload_sessions AS s WHERE s.user_id = ?3))
GROUP BY 1
