-- ?1 is a JSON array of object keys. When a session ends, its files fail in the same step; the file
-- of a MOC is owned whatever has become of its session.
SELECT f.object_key, f.status, f.upload_id
FROM json_each(?1) AS k
CROSS JOIN upload_session_files AS f
WHERE f.object_key = k.value
UNION ALL
SELECT m.object_key, 'completed', NULL
FROM json_each(?1) AS k
CROSS JOIN moc_files AS m
WHERE m.object_key = k.value
