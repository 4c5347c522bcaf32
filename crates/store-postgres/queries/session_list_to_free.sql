WITH ended AS (
  SELECT *
  FROM upload_sessions
  WHERE status IN ('expired', 'cancelled') AND storage_freed_at IS NULL
  ORDER BY updated_at, id
  LIMIT $1
)
SELECT
  ended.id, ended.user_id, ended.status, ended.part_size_bytes, ended.created_at, ended.expires_at,
  f.object_key, f.upload_id
FROM ended
LEFT JOIN upload_session_files AS f ON f.session_id = ended.id AND f.object_key IS NOT NULL
ORDER BY ended.updated_at, ended.id, f.registration_number
