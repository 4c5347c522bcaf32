-- When a session ends, its files fail in the same step.
SELECT f.object_key, f.status
FROM upload_session_files AS f
WHERE f.object_key = ANY($1)
