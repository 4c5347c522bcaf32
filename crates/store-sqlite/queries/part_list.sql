SELECT part_number, etag, size_bytes, uploaded_at
FROM upload_session_parts
WHERE file_id = ?1
ORDER BY part_number
