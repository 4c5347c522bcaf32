INSERT INTO upload_session_analytics (event_id, session_id, event_type, metadata, created_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT DO NOTHING
