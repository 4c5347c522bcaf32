-- ?1 is a JSON array of object keys.
SELECT f.object_key, f.status
FROM json_each(?1) AS k
CROSS JOIN upload_session_files AS f
CROSS JOIN upload_sessions AS s
WHERE f.object_key = k.value
  AND s.id = f.session_id
  AND s.status IN ('active', 'completed')
