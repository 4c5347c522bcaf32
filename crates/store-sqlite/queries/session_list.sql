SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  coalesce(s.declared_file_count, (
    SELECT count(*) FROM upload_session_files AS f WHERE f.session_id = s.id
  )),
  coalesce(s.declared_bytes, (
    SELECT coalesce(sum(f.file_size_bytes), 0) FROM upload_session_files AS f WHERE f.session_id = s.id
  )),
  (
    SELECT coalesce(sum(CASE f.status
      WHEN 'completed' THEN f.file_size_bytes
      WHEN 'failed' THEN 0
      ELSE (SELECT coalesce(sum(p.size_bytes), 0) FROM upload_session_parts AS p WHERE p.file_id = f.id)
    END), 0)
    FROM upload_session_files AS f
    WHERE f.session_id = s.id
  ),
  m.id, m.title, m.slug, m.description, m.pdf_key, m.image_keys, m.parts_keys, m.tags, m.theme,
  m.thumbnail_url, m.created_at
FROM upload_sessions AS s
LEFT JOIN moc_instructions AS m ON m.id = s.moc_id
WHERE s.user_id = ?1
  AND (?2 IS NULL OR ?2 = CASE
    WHEN s.status = 'active' AND s.expires_at <= ?3 THEN 'expired'
    ELSE s.status
  END)
ORDER BY s.created_at DESC, s.rowid DESC
LIMIT ?4 OFFSET ?5
