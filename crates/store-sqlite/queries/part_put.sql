INSERT INTO upload_session_parts (file_id, part_number, etag, size_bytes, uploaded_at)
VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (file_id, part_number) DO UPDATE SET
  etag = excluded.etag,
  size_bytes = excluded.size_bytes,
  uploaded_at = excluded.uploaded_at
