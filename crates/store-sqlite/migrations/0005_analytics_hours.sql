-- How a session ended (CONTRACT section 1.8), without a look at its files' events.
CREATE INDEX idx_upload_session_analytics_session_ends
ON upload_session_analytics(session_id, event_type)
WHERE event_type IN ('session_created', 'session_finalized', 'session_failed');
