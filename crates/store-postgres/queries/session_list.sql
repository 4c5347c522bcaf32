-- With: session_count.
-- A row for each session of the page, one of nothing but the total where there is none.
WITH matching AS (
  SELECT s.*
  FROM upload_sessions AS s
  WHERE s.user_id = $1
    AND ($2::text IS NULL OR $2 = CASE
      WHEN s.status = 'active' AND s.expires_at <= $3 THEN 'expired'
      ELSE s.status
    END)
),
page AS (
  SELECT *
  FROM matching
  ORDER BY created_at DESC, id DESC
  LIMIT $4 OFFSET $5
)
SELECT
  s.id, s.user_id, s.status, s.part_size_bytes, s.created_at, s.expires_at,
  coalesce(s.declared_file_count, f.file_count),
  coalesce(s.declared_bytes, f.size_bytes),
  f.bytes_received,
  m.id, m.title, m.slug, m.description, m.pdf_key, m.image_keys, m.parts_keys, m.tags, m.theme,
  m.thumbnail_url, m.created_at,
  total.session_count
FROM (SELECT count(*) AS session_count FROM matching) AS total
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
