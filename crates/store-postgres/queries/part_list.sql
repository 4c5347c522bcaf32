SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  f.id, f.session_id, f.file_key, f.category, f.file_name, f.file_size_bytes, f.content_type, f.ext,
  f.file_hash, f.status, f.object_key, f.upload_id, f.file_url, f.etag, f.created_at, f.updated_at,
  p.part_numbers, p.etags, p.sizes_bytes, p.uploaded_at
FROM upload_sessions AS s
LEFT JOIN upload_session_files AS f ON f.id = $2 AND f.session_id = s.id
CROSS JOIN LATERAL (
  SELECT
    coalesce(array_agg(part_number ORDER BY part_number), '{}') AS part_numbers,
    coalesce(array_agg(etag ORDER BY part_number), '{}') AS etags,
    coalesce(array_agg(size_bytes ORDER BY part_number), '{}') AS sizes_bytes,
    coalesce(array_agg(uploaded_at ORDER BY part_number), '{}') AS uploaded_at
  FROM upload_session_parts
  WHERE file_id = f.id
) AS p
WHERE s.id = $1
