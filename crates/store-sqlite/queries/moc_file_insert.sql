INSERT INTO moc_files (
  id, moc_id, upload_session_file_id, category, object_key, file_name, content_type,
  file_size_bytes, file_url, created_at
)
VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
