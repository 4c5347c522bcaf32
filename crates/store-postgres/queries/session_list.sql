-- With: session_count.
-- A row for each session of the page, one of nothing but the total where there is none. To be planned
-- for its values each time: the page is then read from the index, and all of a user's are only counted.
WITH page AS (
  SELECT
    id, user_id, status, part_size_bytes, created_at, expires_at, declared_file_count,
    declared_bytes, moc_id
  FROM upload_sessions
  WHERE user_id = $1
    AND ($2::text IS NULL OR $2 = CASE
      WHEN status = 'active' AND expires_at <= $3 THEN 'expired'
      ELSE status
    END)
  ORDER BY created_at DESC, id DESC
  LIMIT $4 OFFSET $5
),
total AS (
  SELECT count(*) AS session_count
  FROM upload_sessions
  WHERE user_id = $1
    AND ($2::text IS NULL OR $2 = CASE
      WHEN status = 'active' AND expires_at <= $3 THEN 'expired'
      ELSE status
    END)
)
SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  coalesce(s.declared_file_count, f.file_count),
  coalesce(s.declared_bytes, f.size_bytes),
  f.bytes_received,
  m.id, m.title, m.slug, m.description, m.pdf_key, m.image_keys, m.parts_keys, m.tags, m.theme,
  m.thumbnail_url, m.created_at,
  total.session_count
FROM total
LEFT JOIN page AS s ON true
LEFT JOIN moc_instructions AS m ON m.id = s.moc_id
CROSS JOIN LATERAL (
  SELECT
    count(*) AS file_count,
    coalesce(sum(file_size_bytes), 0)::bigint AS size_bytes,
    coalesce(sum(CASE status
      WHEN 'completed' THEN file_size_bytes
      WHEN 'failed' THEN 0
      ELSE (
        SELECT coalesce(sum(p.size_bytes), 0)
        FROM upload_session_parts AS p
        WHERE p.file_id = upload_session_files.id
      )
    END), 0)::bigint AS bytes_received
  FROM upload_session_files
  WHERE session_id = s.id
) AS f
ORDER BY s.created_at DESC, s.id DESC
