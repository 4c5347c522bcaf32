SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  f.status, f.upload_id
FROM upload_sessions AS s
LEFT JOIN upload_session_files AS f ON f.id = ?2 AND f.session_id = s.id
WHERE s.id = ?1
