SELECT
  m.id, m.title, m.slug, m.description, m.pdf_key, m.image_keys, m.parts_keys, m.tags, m.theme,
  m.thumbnail_url, m.created_at
FROM moc_instructions AS m
WHERE m.id = $1
