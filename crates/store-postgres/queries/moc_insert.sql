-- With: moc_file_insert, moc_list_slugs, moc_title_exists, session_complete.
-- Creates nothing when the lock is lost, or the title or the slug is taken. '.' is the character
-- after '-': the range is every slug that begins with $6 and a dash.
WITH found AS MATERIALIZED (
  SELECT s.id, s.status, s.finalizing_at
  FROM upload_sessions AS s
  WHERE s.id = $2
  FOR NO KEY UPDATE
),
session AS MATERIALIZED (
  SELECT id FROM found WHERE status = 'active' AND finalizing_at = $15
),
title AS MATERIALIZED (
  SELECT EXISTS (SELECT 1 FROM moc_instructions WHERE user_id = $3 AND title = $4) AS is_taken
),
created AS (
  INSERT INTO moc_instructions (
    id, user_id, title, slug, description, pdf_key, image_keys, parts_keys, tags, theme,
    thumbnail_url, upload_session_id, created_at, updated_at
  )
  SELECT $1, $3, $4, $5, $7, $8, $9, $10, $11, $12, $13, session.id, $14, $14
  FROM session
  CROSS JOIN title
  WHERE NOT title.is_taken
  ON CONFLICT DO NOTHING
  RETURNING id
),
filed AS (
  INSERT INTO moc_files (
    id, moc_id, upload_session_file_id, category, object_key, file_name, content_type,
    file_size_bytes, file_url, created_at
  )
  SELECT
    f.id, created.id, f.id, f.category, f.object_key, f.name, f.content_type, f.size_bytes,
    f.file_url, $14
  FROM created
  CROSS JOIN jsonb_to_recordset($16) AS f(
    id uuid, category text, object_key text, name text, content_type text, size_bytes bigint,
    file_url text
  )
),
closed AS (
  UPDATE upload_sessions AS s
  SET status = 'completed', finalized_at = $14, updated_at = $14, moc_id = created.id
  FROM created
  WHERE s.id = $2
),
released AS (
  UPDATE upload_sessions AS s
  SET finalizing_at = NULL, finalize_lease_until = NULL
  FROM session
  CROSS JOIN title
  WHERE s.id = session.id AND title.is_taken
)
SELECT
  EXISTS (SELECT 1 FROM session),
  EXISTS (SELECT 1 FROM created),
  title.is_taken,
  array(
    SELECT slug
    FROM moc_instructions
    WHERE user_id = $3 AND slug >= $6 AND slug < $6 || '.' AND (slug = $6 OR slug > $6 || '-')
  )
FROM title
