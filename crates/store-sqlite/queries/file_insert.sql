INSERT INTO upload_session_files (
  id, session_id, user_id, file_key, file_size_bytes, file_hash, category, file_name, content_type,
  ext, object_key, upload_id, created_at, updated_at
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)
ON CONFLICT (session_id, file_key) DO NOTHING
