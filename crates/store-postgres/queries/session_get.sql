-- With: file_list.
-- A row for each file, one of nothing but the session where there is none.
SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  s.declared_file_count, s.declared_bytes,
  m.id, m.title, m.slug, m.description, m.pdf_key, m.image_keys, m.parts_keys, m.tags, m.theme,
  m.thumbnail_url, m.created_at,
  f.id, f.session_id, f.file_key, f.category, f.file_name, f.file_size_bytes, f.content_type, f.ext,
  f.file_hash, f.status, f.object_key, f.upload_id, f.file_url, f.etag, f.created_at, f.updated_at,
  p.part_count, p.size_bytes
FROM upload_sessions AS s
LEFT JOIN moc_instructions AS m ON m.id = s.moc_id
LEFT JOIN upload_session_files AS f ON f.session_id = s.id
CROSS JOIN LATERAL (
  SELECT count(*) AS part_count, coalesce(sum(size_bytes), 0)::bigint AS size_bytes
  FROM upload_session_parts
  WHERE file_id = f.id
) AS p
WHERE s.id = $1
ORDER BY f.registration_number
