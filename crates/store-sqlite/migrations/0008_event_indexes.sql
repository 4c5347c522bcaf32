-- One index for what is asked of a session's events, and none by type alone, which nothing asks for.
-- A predicate with IN would make a table of its own for each row that is inserted.
DROP INDEX idx_upload_session_analytics_session_ends;
DROP INDEX idx_upload_session_analytics_event_type;
DROP INDEX idx_upload_session_analytics_session_id;
CREATE INDEX idx_upload_session_analytics_session_id
ON upload_session_analytics(session_id, event_type);
