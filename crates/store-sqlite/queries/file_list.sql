SELECT
  f.id, f.session_id, f.file_key, f.category, f.file_name, f.file_size_bytes, f.content_type, f.ext,
  f.file_hash, f.status, f.object_key, f.upload_id, f.file_url, f.etag, f.created_at, f.updated_at,
  (SELECT count(*) FROM upload_session_parts AS p WHERE p.file_id = f.id),
  (SELECT coalesce(sum(p.size_bytes), 0) FROM upload_session_parts AS p WHERE p.file_id = f.id)
FROM upload_session_files AS f
WHERE f.session_id = ?1
ORDER BY f.rowid
