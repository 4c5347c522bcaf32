-- When a session ends, its files fail in the same step; the file of a MOC is owned whatever has
-- become of its session.
SELECT f.object_key, f.status, f.upload_id
FROM upload_session_files AS f
WHERE f.object_key = ANY($1)
UNION ALL
SELECT m.object_key, 'completed', NULL
FROM moc_files AS m
WHERE m.object_key = ANY($1)
