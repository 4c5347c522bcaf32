SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  s.declared_files,
  (SELECT count(*) FROM upload_session_files AS f WHERE f.session_id = s.id)
FROM upload_sessions AS s
WHERE s.id = $1
