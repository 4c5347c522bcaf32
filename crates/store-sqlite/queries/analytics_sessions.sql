-- The unary plus: sessions are found by time, not by type.
WITH created AS (
  SELECT DISTINCT session_id
  FROM upload_session_analytics
  WHERE created_at >= ?1 AND created_at < ?2
    AND +event_type = 'session_created'
    AND (?3 IS NULL OR session_id IN (SELECT s.id FROM upload_sessions AS s WHERE s.user_id = ?3))
),
ends AS (
  SELECT
    EXISTS (
      SELECT 1 FROM upload_session_analytics AS e
      WHERE e.session_id = created.session_id AND e.event_type = 'session_finalized'
    ) AS is_finalized,
    EXISTS (
      SELECT 1 FROM upload_session_analytics AS e
      WHERE e.session_id = created.session_id AND e.event_type = 'session_failed'
    ) AS has_failed
  FROM created
)
SELECT count(*), coalesce(sum(is_finalized), 0), coalesce(sum(has_failed AND NOT is_finalized), 0)
FROM ends
