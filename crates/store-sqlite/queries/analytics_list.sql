SELECT
  event_id, session_id, event_type, metadata,
  max(-62167219200000, min(253402300799999, created_at))
FROM upload_session_analytics
WHERE created_at >= ?1 AND created_at < ?2
  AND (?3 IS NULL OR session_id IN (SELECT s.id FROM upload_sessions AS s WHERE s.user_id = ?3))
  AND (?4 IS NULL OR +event_type IN (SELECT value FROM json_each(?4)))
ORDER BY created_at DESC, event_id DESC
LIMIT ?5 OFFSET ?6
