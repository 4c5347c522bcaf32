WITH ended AS (
  SELECT rowid AS position, *
  FROM upload_sessions
  WHERE status IN ('expired', 'cancelled') AND storage_freed_at IS NULL
  ORDER BY updated_at, rowid
  LIMIT ?1
)
SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  f.object_key, f.upload_id
FROM ended AS s
LEFT JOIN upload_session_files AS f ON f.session_id = s.id AND f.object_key IS NOT NULL
ORDER BY s.updated_at, s.position, f.rowid
