-- ?1 is a JSON array of session ids.
SELECT session_id, event_id
FROM upload_session_analytics
WHERE session_id IN (SELECT value FROM json_each(?1))
