-- ?1 is a JSON array of object keys. When a session ends, its files fail in the same step.
SELECT f.object_key, f.status
FROM json_each(?1) AS k
CROSS JOIN upload_session_files AS f
WHERE f.object_key = k.value
