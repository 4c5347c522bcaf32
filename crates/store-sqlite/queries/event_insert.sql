INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at)
SELECT ?1, ?2, ?3, ?4, ?5
WHERE EXISTS (SELECT 1 FROM upload_sessions WHERE id = ?2)
ON CONFLICT DO NOTHING
