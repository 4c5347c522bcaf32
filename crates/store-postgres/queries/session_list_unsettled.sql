SELECT id
FROM upload_sessions
WHERE declared_files IS NOT NULL AND NOT events_settled AND id > $1
ORDER BY id
LIMIT $2
