SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  f.id, f.session_id, f.file_key, f.category, f.file_name, f.file_size_bytes, f.content_type, f.ext,
  f.file_hash, f.status, f.object_key, f.upload_id, f.file_url, f.etag, f.created_at, f.updated_at,
  EXISTS (SELECT 1 FROM upload_session_parts WHERE file_id = f.id AND part_number = $3)
FROM upload_sessions AS s
LEFT JOIN upload_session_files AS f ON f.id = $2 AND f.session_id = s.id
WHERE s.id = $1
