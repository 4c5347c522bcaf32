INSERT INTO upload_sessions (
  id, user_id, part_size_bytes, created_at, updated_at, expires_at,
  declared_files, declared_file_count, declared_bytes
)
VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8)
