SELECT +event_type, count(*)
FROM upload_session_analytics
WHERE created_at >= ?1 AND created_at < ?2
  AND (?3 IS NULL OR session_id IN (SELECT s.id FROM upload_sessions AS s WHERE s.user_id = ?3))
GROUP BY 1
