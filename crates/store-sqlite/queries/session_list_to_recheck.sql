WITH ended AS (
  SELECT *
  FROM upload_sessions
  WHERE storage_freed_at < ?1 AND storage_rechecked_at IS NULL AND id > ?2
  ORDER BY id
  LIMIT ?3
)
SELECT
  ended.id, ended.user_id, ended.status, ended.part_size_bytes, ended.created_at, ended.expires_at,
  f.object_key, f.upload_id
FROM ended
LEFT JOIN upload_session_files AS f ON f.session_id = ended.id AND f.object_key IS NOT NULL
ORDER BY ended.id, f.rowid
