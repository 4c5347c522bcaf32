INSERT INTO moc_instructions (
  id, user_id, title, slug, description, pdf_key, image_keys, parts_keys, tags, theme,
  thumbnail_url, upload_session_id, created_at, updated_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)
